"""One request and its answer, which a fault may change on its way."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
import zlib
from collections.abc import Callable
from urllib.parse import unquote

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.serving.faults import Cut, Delay, Endless, Fault, LoseReply, Say, Stall, Truncate

# What a reply without end consists of.
PIECE = b"a" * 65_536


class Exchange:
    """One request on its way; `write_down` is called once, before the client can see the answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, write_down: Callable[[Exchange], None]) -> None:
        self._scope, self._receive, self._send, self._write_down = scope, receive, send, write_down
        self._noted, self.arrived_at = False, time.monotonic()
        self.method, self.path = str(scope["method"]), str(scope["path"])
        self.headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        self.status, self._sent = 0, 0
        self._fault: Fault | None = None
        self._size: int | None = None
        self._over = False
        self._head: Message | None = None

    @property
    def unrouted(self) -> bool:
        """Whether no route has taken it."""
        return "endpoint" not in self._scope

    @property
    def fault(self) -> str | None:
        """What was done to it, to be written down."""
        return repr(self._fault) if self._fault else None

    def enter(self, bare: str, prefix: int) -> None:
        """Go on without the path's prefix."""
        raw = self._scope["raw_path"][prefix:]
        self._scope = {**self._scope, "path": unquote(bare), "raw_path": raw, "root_path": ""}
        self.path = bare

    def note(self) -> None:
        """Have it written down once: before the client can see the answer."""
        if not self._noted:
            self._noted = True
            self._write_down(self)

    async def say(self, response: Response) -> None:
        """Answer."""
        self.status = response.status_code
        self.note()
        await response(self._scope, self._receive, self._send)

    async def run(self, plane: ASGIApp, fault: Fault | None) -> None:
        """Answer as the plane does, unless a fault is in the way; the plane finds it in its scope."""
        self._fault = fault
        self._scope["fault"] = fault
        match fault:
            case Say(status, body, headers, perform):
                if perform:
                    await plane(self._scope, self._receive, _nowhere)
                await self._read_all(perform)
                said = Response(body, status) if isinstance(body, str) else JSONResponse(dict(body), status)
                said.headers.update(headers)
                await self.say(said)
                return
            case Endless():
                await self._read_all(False)
                await self._say_on_and_on(fault)
                return
            case LoseReply():
                await plane(self._scope, self._receive, _nowhere)
                self._cut(True)
                return
            case Truncate():  # a share of what is not compressed, for its length is known
                plain = [(name, value) for name, value in self._scope["headers"] if name != b"accept-encoding"]
                self._scope = {**self._scope, "headers": plain}
            case Delay(seconds):
                self._receive = await _whole(self._receive)
                await asyncio.sleep(seconds)
        await plane(self._scope, self._receive, self._passing)

    async def _read_all(self, done: bool) -> None:
        """Take the whole request, as a proxy does, so that the client can send it."""
        while not done:
            message = await self._receive()
            done = message["type"] != "http.request" or not message.get("more_body", False)

    async def _say_on_and_on(self, fault: Endless) -> None:
        """Answer until the client leaves."""
        gone = asyncio.create_task(self._left())
        headers = {
            "content-type": fault.content_type,
            **fault.headers,
            **({"content-encoding": "gzip"} if fault.packed else {}),
        }
        self.status = fault.status
        self.note()
        named = [(name.encode(), value.encode()) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": fault.status, "headers": named})
        packer = zlib.compressobj(9, zlib.DEFLATED, 31) if fault.packed else None
        piece = fault.begin
        while not gone.done():
            body = packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) if packer else piece
            await self._send({"type": "http.response.body", "body": body, "more_body": True})
            await asyncio.sleep(0)
            fault.sent += len(body)
            piece = PIECE
        fault.left.set()

    async def _left(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _passing(self, message: Message) -> None:
        if self._over:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._head = await self._start(message)
            return
        if self._head is not None:
            head, self._head = self._head, None
            self.note()
            await self._send(head if isinstance(self._fault, Truncate) else _measured(head, message))
        if not self._over:
            await self._body(message)

    async def _start(self, message: Message) -> Message:
        if isinstance(self._fault, Stall) and self._fault.after == 0:
            await self._stall(self._fault.seconds)
        if isinstance(self._fault, Truncate):
            headers = [(name, value) for name, value in message["headers"] if name != b"content-length"]
            sizes = [int(value) for name, value in message["headers"] if name == b"content-length"]
            self._size = sizes[0] if sizes else None
            return {**message, "headers": headers}
        return message

    async def _body(self, message: Message) -> None:
        body, more = message.get("body", b""), message.get("more_body", False)
        before, self._sent = self._sent, self._sent + len(body)
        match self._fault:
            case Stall(seconds, after) if after and before <= after < self._sent:
                await self._stall(seconds)
            case Cut(after, reset) if self._sent > after or not more:
                await self._send(
                    {"type": "http.response.body", "body": body[: max(0, after - before)], "more_body": True}
                )
                self._cut(reset)
                return
            case Truncate(after):
                end = int(after * (self._size or 0)) if after < 1 else int(after)
                if self._sent >= end:
                    self._over, more, body = True, False, body[: end - before]
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def _stall(self, seconds: float) -> None:
        """Wait, but not for longer than there is somebody to be kept waiting."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends and not self._transport.is_closing():
            await asyncio.sleep(0.1)

    @property
    def _transport(self) -> asyncio.Transport:
        transport: asyncio.Transport = self._send.__self__.transport  # type: ignore[attr-defined]
        return transport

    def _cut(self, reset: bool) -> None:
        """Close the connection under the answer."""
        self._over, transport = True, self._transport
        if reset:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        else:
            transport.close()


def _measured(head: Message, body: Message) -> Message:
    """Say how long a reply is that is whole already."""
    if body.get("more_body", False) or head["status"] == 204 or b"content-length" in dict(head["headers"]):
        return head
    return {**head, "headers": [*head["headers"], (b"content-length", str(len(body.get("body", b""))).encode())]}


async def _whole(receive: Receive) -> Receive:
    """Take the whole request now and return it later: it is done even if the client leaves meanwhile."""
    messages = [await receive()]
    while messages[-1].get("more_body", False):
        messages.append(await receive())
    messages.reverse()

    async def kept() -> Message:
        return messages.pop() if messages else await receive()

    return kept


async def _nowhere(message: Message) -> None:
    """Send nothing."""
