"""The E2B SDK with bounded responses: import everything that calls the service from here."""

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

# Eight times the longest response of a command: see `sandbox.MAX_RESPONSE_CHARS`. A page of 100 sandboxes is shorter.
MAX_RESPONSE_BYTES: Final = 16 * 1024 * 1024


class _BoundedTransport:
    """Transport of pyqwest with a size limit on every response but file downloads, which their reader bounds."""

    def __init__(self, **options: Any) -> None:
        self._transport = SyncHTTPTransport(**options)

    def execute_sync(self, request: SyncRequest) -> SyncResponse:
        """Send a request."""
        response = self._transport.execute_sync(request)
        if response.status == 200 and request.method == "GET" and urlsplit(request.url).path.endswith("/files"):
            return response
        return SyncResponse(
            status=response.status,
            http_version=response.http_version,
            headers=response.headers,
            content=_BoundedContent(response),
            trailers=response.trailers,
        )


class _BoundedContent:
    """Iterator of a response's decompressed chunks; ResponseTooLong beyond the limit."""

    def __init__(self, response: SyncResponse) -> None:
        self._response, self._chunks, self._remaining = response, response.content, MAX_RESPONSE_BYTES

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk = bytes(next(self._chunks))
        self._remaining -= len(chunk)
        if self._remaining < 0:
            self.close()
            raise ResponseTooLong(f"a response is longer than {MAX_RESPONSE_BYTES >> 20} MiB")
        return chunk

    def close(self) -> None:
        """Close the connection."""
        self._response.close()


# The SDK creates its transports from this name and has no setting for them.
client_sync.SyncHTTPTransport = _BoundedTransport  # type: ignore[attr-defined, assignment]
