"""The fetch proxy: a sandbox's only access to the network while dependencies are fetched, on a Unix socket of the host.

It resolves a name once and connects to the address that it has checked, so that a second DNS answer changes nothing.
Behind the user's own proxy, names are checked here and resolved there.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import socket
import threading
from collections.abc import Callable, Sequence
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import h11

from generator.errors import system_reason
from generator.network.addresses import Address, forbidden_kind, is_loopback, literal_address
from generator.network.endpoints import Endpoint, endpoint_of
from generator.network.rules import HostRules, RefusedHost
from generator.network.streams import (
    CHUNK,
    HEAD_SECONDS,
    NoConnection,
    Stream,
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
ACCEPT_AGAIN_SECONDS: Final = 0.1
_ESTABLISHED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name by the machine's own resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class FetchProxy:
    """A proxy for one sandbox, in a thread of its own until `close`.

    `requested` are the endpoints that the sandbox asked for, and `refused` those that the proxy refused. `unreachable`
    has a sentence for each endpoint to which the last connection could not be made.
    """

    def __init__(
        self, rules: HostRules, upstreams: UpstreamProxies, resolve: Resolve = resolve, max_bytes: int = MAX_BYTES
    ) -> None:
        self.rules = rules
        self.refused: list[RefusedHost] = []
        self.requested: set[Endpoint] = set()
        self.unreachable: dict[Endpoint, str] = {}
        self._upstreams, self._resolve, self._bytes_left = upstreams, resolve, max_bytes
        self._connections = asyncio.Semaphore(MAX_CONNECTIONS)
        # The event loop holds tasks by weak references alone, and would lose one that waits for bytes.
        self._tasks = set[asyncio.Task[None]]()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def start(self, path: Path) -> None:
        """Listen at a path of any length, for every user who may enter its directory; OSError when that fails."""
        listener = socket.socket(socket.AF_UNIX)
        directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            listener.bind(f"/proc/self/fd/{directory}/{path.name}")
            path.chmod(0o666)
            listener.listen()
            listener.setblocking(False)
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
        ready.set()
        with listener:
            accepting = asyncio.create_task(self._accept(listener))
            await self._ended.wait()
            accepting.cancel()
            await asyncio.wait([accepting])
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, listener: socket.socket) -> None:
        """Serve each client in a task of its own, at most MAX_CONNECTIONS at once."""
        while True:
            await self._connections.acquire()
            await _readable(listener)
            try:
                # `sock_accept` of the event loop loses a connection that comes with a cancellation.
                near, _ = listener.accept()
            except OSError:  # the client is gone, or no file descriptor is free
                self._connections.release()
                await asyncio.sleep(ACCEPT_AGAIN_SECONDS)
                continue
            near.setblocking(False)
            task = asyncio.create_task(self._answer(near))
            self._tasks.add(task)
            task.add_done_callback(functools.partial(self._end, near))

    def _end(self, near: socket.socket, task: asyncio.Task[None]) -> None:
        """Close a client's connection even if its task was cancelled before it began."""
        near.close()
        self._tasks.discard(task)
        self._connections.release()

    async def _answer(self, near: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=near)
        try:
            # The client sees the connection end.
            with contextlib.suppress(OSError, EOFError, h11.ProtocolError, TimeoutError):
                await self._serve(Stream(reader, writer))
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        finally:
            writer.transport.abort()

    async def _serve(self, client: Stream) -> None:
        async with asyncio.timeout(HEAD_SECONDS):
            request, rest = await read_head(client)
        tunnel = request.method == b"CONNECT"
        url = request.target.decode("ascii", "replace")
        endpoint = endpoint_of(f"https://{url}/" if tunnel else url)
        if endpoint is None or not (tunnel or url.startswith("http://")):
            await client.respond(400, "this proxy accepts only CONNECT and http://")
            return
        try:
            server = await self._connect(endpoint, tunnel)
        except NoConnection as error:
            if error.status != HTTPStatus.FORBIDDEN:
                self.unreachable[endpoint] = str(error)
            await client.respond(error.status, str(error))
            return
        self.unreachable.pop(endpoint, None)
        try:
            if tunnel:
                client.writer.write(_ESTABLISHED)
            else:
                server.writer.write(request_head(request, endpoint, server.upstream))
            await self._relay(client, server, rest, endpoint)
        finally:
            server.writer.close()

    async def _connect(self, endpoint: Endpoint, secure: bool) -> Stream:
        self.requested.add(endpoint)
        literal = literal_address(endpoint.host)
        if literal:  # the kind of the address is a better message than that the host is not allowed
            self._check(endpoint, literal)
        if not self.rules.allows(endpoint):
            raise self._refusal(RefusedHost(str(endpoint)))
        upstream = self._upstreams.proxy_for(endpoint, secure)
        addresses = await self._checked_addresses(endpoint, upstream)
        if upstream is None:
            return await connect(endpoint, addresses)
        return await connect_upstream(upstream, endpoint, secure)

    async def _checked_addresses(self, endpoint: Endpoint, upstream: UpstreamProxy | None) -> list[Address]:
        """Return the addresses of a host, all of them allowed; none when the user's proxy resolves it."""
        literal = literal_address(endpoint.host)
        if upstream is not None and literal is None:
            if is_loopback(endpoint.host) and not self.rules.may_be_private(endpoint):
                raise self._refusal(_forbidden(endpoint, endpoint.host, "loopback"))
            return []
        addresses = [literal] if literal else await self._look_up(endpoint)
        for each in addresses:
            self._check(endpoint, each)
        return addresses

    def _check(self, endpoint: Endpoint, address: Address) -> None:
        if kind := forbidden_kind(endpoint.host, address, self.rules.may_be_private(endpoint)):
            raise self._refusal(_forbidden(endpoint, str(address), kind))

    async def _look_up(self, endpoint: Endpoint) -> list[Address]:
        """Resolve in a daemon thread: a resolver may take half a minute, and `close` does not wait for it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Sequence[str] | OSError] = loop.create_future()

        def resolve_name() -> None:
            try:
                found: Sequence[str] | OSError = self._resolve(*endpoint)
            except (OSError, UnicodeError) as error:
                found = error if isinstance(error, OSError) else OSError(str(error))
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(_settle, future, found)

        threading.Thread(target=resolve_name, name="fetch proxy resolver", daemon=True).start()
        found = await future
        if isinstance(found, OSError):
            raise NoConnection(502, f"{endpoint.host}:{endpoint.port} cannot be reached: {system_reason(found)}")
        return [ip_address(each) for each in found]

    def _refusal(self, refused: RefusedHost) -> NoConnection:
        if refused not in self.refused and len(self.refused) < MAX_REFUSED:
            self.refused.append(refused)
        return NoConnection(403, refused.sentence)

    async def _relay(self, client: Stream, server: Stream, rest: bytes, endpoint: Endpoint) -> None:
        """Relay bytes in both directions until both have ended or one fails.

        The user's proxy gets the head of a plain request and no more. It would take further bytes for another request,
        to any host.
        """
        directions = [self._copy(server, client, endpoint)]
        if server.upstream is None or server.tunnel:
            server.writer.write(rest)
            directions.append(self._copy(client, server, endpoint))
        tasks = [asyncio.ensure_future(each) for each in directions]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def _copy(self, source: Stream, target: Stream, endpoint: Endpoint) -> None:
        while chunk := await source.reader.read(CHUNK):
            self._bytes_left -= len(chunk)
            if self._bytes_left < 0:
                raise self._refusal(RefusedHost(str(endpoint), "sent more than all dependencies of a crate may have"))
            target.writer.write(chunk)
            await target.writer.drain()
        if target.writer.can_write_eof():
            target.writer.write_eof()


async def _readable(listener: socket.socket) -> None:
    loop, readable = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(listener, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(listener)


def _settle(future: asyncio.Future[Sequence[str] | OSError], found: Sequence[str] | OSError) -> None:
    if not future.done():
        future.set_result(found)


def _forbidden(endpoint: Endpoint, address: str, kind: str) -> RefusedHost:
    article = "an" if kind[0] in "aeiou" else "a"
    return RefusedHost(
        str(endpoint),
        f"is at {address}, {article} {kind} address: only a registry of your own configuration may be there",
    )
