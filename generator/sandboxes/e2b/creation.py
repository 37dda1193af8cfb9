"""One request for a sandbox, sent in its turn. It needs the SDK, so it is imported where a sandbox is asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import httpx
from e2b.api import ApiClient, handle_api_exception
from e2b.api.client import models
from e2b.api.client.api.sandboxes import post_v2_sandboxes
from e2b.api.client_sync import get_transport
from e2b.retry import parse_retry_after
from e2b.sandbox.sandbox_api import to_sandbox_create_response
from packaging.version import Version

from generator.sandboxes.e2b.connection import Connection
from generator.sandboxes.e2b.rate_limit import RateLimit
from generator.sandboxes.e2b.sdk import ConnectionConfig
from generator.sandboxes.e2b.sdk import Sandbox as Handle

# The longest time that the service can make all creates wait for; of a longer one each waits by turns of its own.
MAX_SHARED_PAUSE: Final = 30.0


@dataclass(frozen=True)
class CreateRequest:
    """What is asked for. The same `key` leads to the same sandbox, however often it is asked for."""

    template: str
    seconds: int
    metadata: Mapping[str, str]
    key: str


def create_sandbox(
    asked: CreateRequest, connection: Connection, answer_seconds: float, pace: RateLimit, stop: threading.Event
) -> Handle:
    """Ask for a sandbox once; raises what the SDK raises, and SandboxError when `stop` comes before its turn.

    The SDK's own function would repeat the request whatever the pace, and tell nobody when the service wants it again.
    """
    config = ConnectionConfig(**connection.api_params(), request_timeout=answer_seconds)
    body = models.NewSandboxV2(asked.template, asked.seconds, metadata=dict(asked.metadata), env_vars={})
    with ApiClient(config, RateLimitedTransport(get_transport(config), pace, stop)) as client:
        said = post_v2_sandboxes.sync_detailed(client=client, body=body, idempotency_key=asked.key)
    if not isinstance(said.parsed, models.Sandbox):
        raise handle_api_exception(said)
    return _handle(said.parsed, connection)


class RateLimitedTransport(httpx.BaseTransport):
    """Sends each request in its turn, as soon as the one before has left; the answers take the time they take."""

    def __init__(self, transport: httpx.BaseTransport, pace: RateLimit, stop: threading.Event) -> None:
        self._transport, self._pace, self._stop = transport, pace, stop

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and give no turn before the time that the service names in its answer."""
        body = request.read()
        with self._pace.acquire(self._stop) as left:
            request.stream = _Body(body, left)
            response = self._transport.handle_request(request)
        seconds = parse_retry_after(response.headers.get("Retry-After"))
        if seconds is not None and seconds <= MAX_SHARED_PAUSE:
            self._pace.pause(seconds)
        return response


class _Body(httpx.SyncByteStream):
    """A body that tells when the connection, which is made by then, has taken it."""

    def __init__(self, content: bytes, taken: Callable[[], None]) -> None:
        self._content, self._taken = content, taken

    def __iter__(self) -> Iterator[bytes]:
        yield self._content
        self._taken()


def _handle(created: models.Sandbox, connection: Connection) -> Handle:
    """Return the sandbox as the SDK's own function would."""
    found = to_sandbox_create_response(created)
    headers = {"E2b-Sandbox-Id": found.sandbox_id, "E2b-Sandbox-Port": str(ConnectionConfig.envd_port)}
    if found.envd_access_token is not None:
        headers["X-Access-Token"] = found.envd_access_token
    return Handle(
        sandbox_id=found.sandbox_id,
        sandbox_domain=found.sandbox_domain,
        envd_version=Version(found.envd_version),
        envd_access_token=found.envd_access_token,
        traffic_access_token=found.traffic_access_token,
        connection_config=ConnectionConfig(**connection.api_params(), extra_sandbox_headers=headers),
    )
