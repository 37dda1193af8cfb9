"""Connections of the proxy, and what is said on them before bytes are passed on."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import h11

from generator.network.addresses import Address
from generator.network.endpoints import Endpoint
from generator.network.upstream_proxy import UpstreamProxy

HEAD_SECONDS: Final = 30
CONNECT_SECONDS: Final = 15
CHUNK: Final = 64 * 1024
_OF_ONE_HOP: Final = frozenset(
    (b"connection", b"host", b"keep-alive", b"proxy-authorization", b"proxy-connection", b"upgrade")
)
_OF_A_BODY: Final = frozenset((b"content-length", b"transfer-encoding", b"expect"))


class Unreachable(EOFError):
    """A host that is not connected to; what the one who asked is told."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Stream:
    """Both directions of a connection; `upstream` is the user's proxy, if it is one to that, and `tunnel` how."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    upstream: UpstreamProxy | None = None
    tunnel: bool = False

    async def respond(self, status: int, message: str) -> None:
        """Say why nothing is passed on."""
        body = f"{message}\n".encode("ascii", "replace")
        reason = {400: "Bad request", 403: "Forbidden", 502: "Bad gateway"}[status]
        head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
        self.writer.write(f"{head}Connection: close\r\n\r\n".encode() + body)
        await self.writer.drain()


async def read_head(stream: Stream) -> tuple[h11.Request, bytes]:
    """Read a request's first lines; returns what came behind them too."""
    connection = h11.Connection(h11.SERVER)
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await stream.reader.read(CHUNK))
    if not isinstance(event, h11.Request):
        raise EOFError
    return event, connection.trailing_data[0]


def request_head(request: h11.Request, where: Endpoint, upstream: UpstreamProxy | None) -> bytes:
    """Return the first lines of a request as its server, or the user's proxy, is to see them: for one answer alone.

    They name the host that was judged, however the request wrote it.
    """
    url = urlsplit(request.target.decode("ascii"))
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    headers = [(b"host", _authority(where).encode())]
    left_out = _OF_ONE_HOP if upstream is None else _OF_ONE_HOP | _OF_A_BODY
    headers += [(name, value) for name, value in request.headers if name not in left_out]
    if upstream is not None and upstream.authorization:
        headers.append((b"proxy-authorization", upstream.authorization.encode()))
    target = path if upstream is None else f"http://{_authority(where)}{path}"
    told = h11.Request(method=request.method, target=target, headers=[*headers, (b"connection", b"close")])
    return h11.Connection(h11.CLIENT).send(told) or b""


async def connect(where: Endpoint, addresses: Sequence[Address]) -> Stream:
    """Connect to the first of some addresses that answers."""
    last: Exception | None = None
    for each in addresses:
        try:
            return Stream(*await asyncio.wait_for(asyncio.open_connection(str(each), where.port), CONNECT_SECONDS))
        except (OSError, TimeoutError) as error:
            last = error
    raise Unreachable(502, f"{where} cannot be reached: {last}")


async def connect_upstream(upstream: UpstreamProxy, where: Endpoint, secure: bool) -> Stream:
    """Connect to the user's proxy and, for https, have it open a tunnel."""
    context = ssl.create_default_context() if upstream.secure else None
    try:
        streams = await asyncio.wait_for(asyncio.open_connection(*upstream.endpoint, ssl=context), CONNECT_SECONDS)
    except (OSError, TimeoutError) as error:
        raise Unreachable(502, f"your proxy at {upstream.endpoint} cannot be reached: {error}") from None
    far = Stream(*streams, upstream, secure)
    try:
        if secure:
            await asyncio.wait_for(_tunnel(far, upstream, where), HEAD_SECONDS)
    except BaseException:
        far.writer.close()
        raise
    return far


async def _tunnel(far: Stream, upstream: UpstreamProxy, where: Endpoint) -> None:
    headers = [("host", _authority(where))]
    if upstream.authorization:
        headers.append(("proxy-authorization", upstream.authorization))
    connection = h11.Connection(h11.CLIENT)
    asked = h11.Request(method="CONNECT", target=_authority(where), headers=headers)
    far.writer.write((connection.send(asked) or b"") + (connection.send(h11.EndOfMessage()) or b""))
    while (event := connection.next_event()) is h11.NEED_DATA or isinstance(event, h11.InformationalResponse):
        if event is h11.NEED_DATA:
            # A byte at a time: what follows on the answer is the tunnel's.
            connection.receive_data(await far.reader.read(1))
    if not isinstance(event, h11.Response) or not 200 <= event.status_code < 300:
        status = event.status_code if isinstance(event, h11.Response) else "no answer"
        raise Unreachable(502, f"your proxy at {upstream.endpoint} does not lead to {where}: {status}")


def _authority(where: Endpoint) -> str:
    host = f"[{where.host}]" if ":" in where.host else where.host
    return f"{host}:{where.port}"
