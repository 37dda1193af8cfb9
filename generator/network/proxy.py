"""The only way out of a sandbox while dependencies are fetched: a proxy on a Unix socket, outside of it.

It resolves a name once and connects to the very address that it has judged, so that no second answer can lead
elsewhere. h11 reads the requests. Behind a proxy of the user's own, names are judged here and resolved there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import h11

from generator.network.addresses import Address, forbidden_kind, is_loopback, literal_address
from generator.network.endpoints import Endpoint, endpoint_of
from generator.network.rules import HostRules, RefusedHost
from generator.network.streams import (
    CHUNK,
    HEAD_SECONDS,
    Stream,
    Unreachable,
    connect,
    connect_upstream,
    read_head,
    request_head,
)
from generator.network.upstream_proxy import UpstreamProxies, UpstreamProxy

Resolve = Callable[[str, int], Sequence[str]]

MAX_BYTES: Final = 4 * 1024**3
MAX_CONNECTIONS: Final = 256
MAX_REFUSED: Final = 20
_ESTABLISHED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name, as the machine's own resolver has them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class FetchProxy:
    """A proxy for one sandbox; it runs in a thread of its own until `close`.

    What it refused is kept in `refused`, and what it was asked for in `asked`.
    """

    def __init__(
        self, rules: HostRules, upstreams: UpstreamProxies, resolve: Resolve = resolve, max_bytes: int = MAX_BYTES
    ) -> None:
        self.rules = rules
        self.refused: list[RefusedHost] = []
        self.requested: set[Endpoint] = set()
        self._upstreams, self._resolve, self._left = upstreams, resolve, max_bytes
        self._turns = asyncio.Semaphore(MAX_CONNECTIONS)
        # The loop itself holds its tasks by weak references alone, and would lose one that waits for bytes.
        self._tasks = set[asyncio.Task[None] | None]()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def start(self, path: Path) -> None:
        """Listen at a path, however long, for whoever may enter its directory; OSError where that is not possible."""
        listener = socket.socket(socket.AF_UNIX)
        directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            listener.bind(f"/proc/self/fd/{directory}/{path.name}")
            path.chmod(0o666)
        finally:
            os.close(directory)
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._main(listener, ready)), name="fetch proxy", daemon=True
        )
        self._thread.start()
        ready.wait()

    def close(self) -> None:
        """End all connections; safe to call twice."""
        if self._thread is not None and self._loop is not None and self._ended is not None:
            with contextlib.suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join()
            self._thread = None

    async def _main(self, listener: socket.socket, ready: threading.Event) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        try:
            server = await asyncio.start_unix_server(self._meet, sock=listener)
        finally:
            ready.set()
        await self._ended.wait()
        server.close()

    async def _meet(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            async with self._turns:
                await self._serve(Stream(near, back))
        except (OSError, EOFError, h11.ProtocolError, TimeoutError):
            pass  # who asked sees the connection end
        finally:
            back.close()
            self._tasks.discard(task)

    async def _serve(self, near: Stream) -> None:
        request, rest = await asyncio.wait_for(read_head(near), HEAD_SECONDS)
        tunnel = request.method == b"CONNECT"
        url = request.target.decode("ascii", "replace")
        where = endpoint_of(f"https://{url}/" if tunnel else url)
        if where is None or not (tunnel or url.startswith("http://")):
            await near.respond(400, "this proxy takes CONNECT and http:// alone")
            return
        try:
            far = await self._reach(where, tunnel)
        except Unreachable as error:
            await near.respond(error.status, str(error))
            return
        try:
            if tunnel:
                near.writer.write(_ESTABLISHED)
            else:
                far.writer.write(request_head(request, where, far.upstream))
            await self._join(near, far, rest, where)
        finally:
            far.writer.close()

    async def _reach(self, where: Endpoint, secure: bool) -> Stream:
        self.requested.add(where)
        literal = literal_address(where.host)
        if literal:  # its kind says more than that it is not allowed
            self._judge(where, literal)
        if not self.rules.allows(where):
            raise self._refusal(RefusedHost(str(where)))
        upstream = self._upstreams.proxy_for(where, secure)
        addresses = await self._judged(where, upstream)
        if upstream is None:
            return await connect(where, addresses)
        return await connect_upstream(upstream, where, secure)

    async def _judged(self, where: Endpoint, upstream: UpstreamProxy | None) -> list[Address]:
        """Return the addresses of a host, all of which it may have; none where the user's proxy will resolve it."""
        literal = literal_address(where.host)
        if upstream is not None and literal is None:
            if is_loopback(where.host) and not self.rules.may_be_private(where):
                raise self._refusal(_closed(where, where.host, "loopback"))
            return []
        addresses = [literal] if literal else await self._looked_up(where)
        for each in addresses:
            self._judge(where, each)
        return addresses

    def _judge(self, where: Endpoint, address: Address) -> None:
        if kind := forbidden_kind(where.host, address, self.rules.may_be_private(where)):
            raise self._refusal(_closed(where, str(address), kind))

    async def _looked_up(self, where: Endpoint) -> list[Address]:
        """Resolve in a thread that nobody waits for at the end: a resolver may take half a minute to give up."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Sequence[str] | OSError] = loop.create_future()

        def look_up() -> None:
            try:
                found: Sequence[str] | OSError = self._resolve(*where)
            except (OSError, UnicodeError) as error:
                found = OSError(str(error))
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(_settle, future, found)

        threading.Thread(target=look_up, name="fetch proxy resolver", daemon=True).start()
        found = await future
        if isinstance(found, OSError):
            raise Unreachable(502, f"{where.host} cannot be resolved: {found}")
        return [ip_address(each) for each in found]

    def _refusal(self, refused: RefusedHost) -> Unreachable:
        if refused not in self.refused and len(self.refused) < MAX_REFUSED:
            self.refused.append(refused)
        return Unreachable(403, refused.sentence)

    async def _join(self, near: Stream, far: Stream, rest: bytes, where: Endpoint) -> None:
        """Pass bytes on in both directions until both have ended or one fails.

        The user's proxy gets the first lines of a plain request and no more: it would take what follows for another
        request, to whatever host that names.
        """
        directions = [self._pass(far, near, where)]
        if far.upstream is None or far.tunnel:
            far.writer.write(rest)
            directions.append(self._pass(near, far, where))
        tasks = [asyncio.ensure_future(each) for each in directions]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def _pass(self, source: Stream, target: Stream, where: Endpoint) -> None:
        while chunk := await source.reader.read(CHUNK):
            self._left -= len(chunk)
            if self._left < 0:
                raise self._refusal(RefusedHost(str(where), "sent more than all dependencies of a crate may have"))
            target.writer.write(chunk)
            await target.writer.drain()
        if target.writer.can_write_eof():
            target.writer.write_eof()


def _settle(future: asyncio.Future[Sequence[str] | OSError], found: Sequence[str] | OSError) -> None:
    if not future.done():
        future.set_result(found)


def _closed(where: Endpoint, address: str, kind: str) -> RefusedHost:
    article = "an" if kind[0] in "aeiou" else "a"
    return RefusedHost(
        str(where),
        f"is at {address}, {article} {kind} address: only a registry of your own configuration may be there",
    )
