"""Requests that create sandboxes. The module imports the SDK, so import it only where a sandbox is created."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
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

# The longest Retry-After, in seconds, that pauses all creates. After a longer one each waits by its own backoff.
MAX_SHARED_PAUSE: Final = 30.0


@dataclass(frozen=True)
class CreateRequest:
    """Request for a sandbox; `key` is its idempotency key, and `seconds` its timeout.

    `volumes` has the name of the volume to mount at each path.
    """

    template: str
    seconds: int
    metadata: Mapping[str, str]
    key: str
    volumes: Mapping[str, str] = field(default_factory=dict)


def create_sandbox(
    request: CreateRequest,
    connection: Connection,
    response_seconds: float,
    rate_limit: RateLimit,
    stop: threading.Event,
) -> Handle:
    """Send one create request; raises the SDK's exceptions, and SandboxError when `stop` is set before it is sent.

    The SDK's own function would retry the request beyond the rate limit, and would hide the Retry-After header.
    """
    config = ConnectionConfig(**connection.api_params(), request_timeout=response_seconds)
    body = models.NewSandboxV2(request.template, request.seconds, metadata=dict(request.metadata), env_vars={})
    if request.volumes:
        body.volume_mounts = [models.SandboxVolumeMount(name, path) for path, name in request.volumes.items()]
    with ApiClient(config, RateLimitedTransport(get_transport(config), rate_limit, stop)) as client:
        response = post_v2_sandboxes.sync_detailed(client=client, body=body, idempotency_key=request.key)
    if not isinstance(response.parsed, models.Sandbox):
        raise handle_api_exception(response)
    return _handle(response.parsed, connection)


class RateLimitedTransport(httpx.BaseTransport):
    """Transport that sends each request within the rate limit; responses may take any time."""

    def __init__(self, transport: httpx.BaseTransport, rate_limit: RateLimit, stop: threading.Event) -> None:
        self._transport, self._rate_limit, self._stop = transport, rate_limit, stop

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and pause the rate limit for the Retry-After of its response."""
        body = request.read()
        with self._rate_limit.acquire(self._stop) as mark_sent:
            request.stream = _Body(body, mark_sent)
            response = self._transport.handle_request(request)
        seconds = parse_retry_after(response.headers.get("Retry-After"))
        if seconds is not None and seconds <= MAX_SHARED_PAUSE:
            self._rate_limit.pause(seconds)
        return response


class _Body(httpx.SyncByteStream):
    """Request body that calls `on_sent` once the connection has taken it."""

    def __init__(self, content: bytes, on_sent: Callable[[], None]) -> None:
        self._content, self._on_sent = content, on_sent

    def __iter__(self) -> Iterator[bytes]:
        yield self._content
        self._on_sent()


def _handle(created: models.Sandbox, connection: Connection) -> Handle:
    """Return the SDK's sandbox object, as the SDK's own function builds it."""
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
