"""Connections of the fetch proxy, and the HTTP messages on them before bytes are relayed.

Time limits are `asyncio.timeout`: `asyncio.wait_for` of Python 3.11 loses a cancellation that comes with a result.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import h11

from generator.errors import system_reason
from generator.network.addresses import Address
from generator.network.endpoints import Endpoint
from generator.network.upstream_proxy import UpstreamProxy

HEAD_SECONDS: Final = 30
CONNECT_SECONDS: Final = 15
CHUNK: Final = 64 * 1024
_HOP_BY_HOP: Final = frozenset(
    (b"connection", b"host", b"keep-alive", b"proxy-authorization", b"proxy-connection", b"upgrade")
)
_BODY_HEADERS: Final = frozenset((b"content-length", b"transfer-encoding", b"expect"))


class NoConnection(EOFError):
    """A host that the proxy does not connect to: the status and message of the response."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Stream:
    """Both directions of a connection. `upstream` is the user's proxy at its end, and `tunnel` says that it tunnels."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    upstream: UpstreamProxy | None = None
    tunnel: bool = False

    async def respond(self, status: int, message: str) -> None:
        """Send an error response."""
        body = f"{message}\n".encode("ascii", "replace")
        reason = {400: "Bad request", 403: "Forbidden", 502: "Bad gateway"}[status]
        head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
        self.writer.write(f"{head}Connection: close\r\n\r\n".encode() + body)
        await self.writer.drain()


async def read_head(stream: Stream) -> tuple[h11.Request, bytes]:
    """Read a request's head, and return it with the bytes that came after it."""
    connection = h11.Connection(h11.SERVER)
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await stream.reader.read(CHUNK))
    if not isinstance(event, h11.Request):
        raise EOFError
    return event, connection.trailing_data[0]


def request_head(request: h11.Request, endpoint: Endpoint, upstream: UpstreamProxy | None) -> bytes:
    """Return the head of a plain request for its server or the user's proxy, with `Connection: close`.

    It names the host that was checked, whatever the Host header said.
    """
    url = urlsplit(request.target.decode("ascii"))
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    headers = [(b"host", _authority(endpoint).encode())]
    dropped = _HOP_BY_HOP if upstream is None else _HOP_BY_HOP | _BODY_HEADERS
    headers += [(name, value) for name, value in request.headers if name not in dropped]
    if upstream is not None and upstream.authorization:
        headers.append((b"proxy-authorization", upstream.authorization.encode()))
    target = path if upstream is None else f"http://{_authority(endpoint)}{path}"
    forwarded = h11.Request(method=request.method, target=target, headers=[*headers, (b"connection", b"close")])
    return h11.Connection(h11.CLIENT).send(forwarded) or b""


async def connect(endpoint: Endpoint, addresses: Sequence[Address]) -> Stream:
    """Connect to the first address that answers."""
    reason = "it has no address"
    for each in addresses:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return Stream(*await asyncio.open_connection(str(each), endpoint.port))
        except TimeoutError:
            reason = f"no answer within {CONNECT_SECONDS} s"
        except OSError as error:
            reason = system_reason(error)
    raise NoConnection(502, f"{endpoint.host}:{endpoint.port} cannot be reached: {reason}")


async def connect_upstream(upstream: UpstreamProxy, endpoint: Endpoint, secure: bool) -> Stream:
    """Connect to the user's proxy and, for https, open a tunnel through it."""
    context = ssl.create_default_context() if upstream.secure else None
    address = f"{upstream.endpoint.host}:{upstream.endpoint.port}"
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            streams = await asyncio.open_connection(*upstream.endpoint, ssl=context)
    except TimeoutError:
        raise NoConnection(502, f"your proxy at {address} cannot be reached: no answer") from None
    except OSError as error:
        raise NoConnection(502, f"your proxy at {address} cannot be reached: {system_reason(error)}") from None
    server = Stream(*streams, upstream, secure)
    try:
        if secure:
            async with asyncio.timeout(HEAD_SECONDS):
                await _tunnel(server, upstream, endpoint)
    except BaseException:
        server.writer.close()
        raise
    return server


async def _tunnel(server: Stream, upstream: UpstreamProxy, endpoint: Endpoint) -> None:
    headers = [("host", _authority(endpoint))]
    if upstream.authorization:
        headers.append(("proxy-authorization", upstream.authorization))
    connection = h11.Connection(h11.CLIENT)
    request = h11.Request(method="CONNECT", target=_authority(endpoint), headers=headers)
    server.writer.write((connection.send(request) or b"") + (connection.send(h11.EndOfMessage()) or b""))
    while (event := connection.next_event()) is h11.NEED_DATA or isinstance(event, h11.InformationalResponse):
        if event is h11.NEED_DATA:
            # One byte at a time, because the bytes after the response belong to the tunnel.
            connection.receive_data(await server.reader.read(1))
    if not isinstance(event, h11.Response) or not 200 <= event.status_code < 300:
        status = event.status_code if isinstance(event, h11.Response) else "no answer"
        raise NoConnection(502, f"your proxy at {upstream.endpoint} does not connect to {endpoint}: {status}")


def _authority(endpoint: Endpoint) -> str:
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return f"{host}:{endpoint.port}"
