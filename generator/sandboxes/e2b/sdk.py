"""E2B's SDK, of which nothing is used before its replies are bounded: take what calls the service from here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from e2b import CommandExitException, Sandbox, Template
from e2b.api import client_sync
from e2b.connection_config import ConnectionConfig
from e2b.sandbox.sandbox_api import SandboxQuery
from pyqwest import SyncHTTPTransport, SyncRequest, SyncResponse

from generator.sandboxes.e2b.errors import ResponseTooLong

__all__ = ["CommandExitException", "ConnectionConfig", "Sandbox", "SandboxQuery", "Template"]

# Eight times the longest answer to a question: see `sandbox.MAX_ANSWER`. A page of a hundred sandboxes is far shorter.
MAX_RESPONSE_BYTES: Final = 16 * 1024 * 1024


class _Transport:
    """What every request of the SDK goes through: a transport of pyqwest's, whose replies are bounded.

    A file of a sandbox is left to its reader, who knows its size.
    """

    def __init__(self, **options: Any) -> None:
        self._transport = SyncHTTPTransport(**options)

    def execute_sync(self, request: SyncRequest) -> SyncResponse:
        """Send a request."""
        reply = self._transport.execute_sync(request)
        if reply.status == 200 and request.method == "GET" and urlsplit(request.url).path.endswith("/files"):
            return reply
        return SyncResponse(
            status=reply.status,
            http_version=reply.http_version,
            headers=reply.headers,
            content=_Content(reply),
            trailers=reply.trailers,
        )


class _Content:
    """The pieces of a reply, already unpacked, up to the bound."""

    def __init__(self, reply: SyncResponse) -> None:
        self._reply, self._pieces, self._left = reply, reply.content, MAX_RESPONSE_BYTES

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = bytes(next(self._pieces))
        self._left -= len(piece)
        if self._left < 0:
            self.close()
            raise ResponseTooLong(f"a reply is longer than {MAX_RESPONSE_BYTES >> 20} MiB")
        return piece

    def close(self) -> None:
        """Give the connection up."""
        self._reply.close()


# The SDK makes its transports here, and has no setting for them.
client_sync.SyncHTTPTransport = _Transport  # type: ignore[attr-defined, assignment]
