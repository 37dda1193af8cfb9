"""The server: both planes on one port of this machine, in a thread of its own, with everything that can go wrong."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import tempfile
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar
from urllib.parse import unquote

import psutil
import uvicorn
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from generator.sandboxes.toolchain import Toolchain, find_toolchain
from tests.e2b_server.control import Control
from tests.e2b_server.envd import CALL, Call, Envd
from tests.e2b_server.faults import Cut, Delay, Fault, Faults, LoseReply, Mischief, Say, Stall, Truncate
from tests.e2b_server.machine import Hall
from tests.e2b_server.rules import Rules
from tests.e2b_server.sandboxes import Record
from tests.e2b_server.templates import Template
from tests.e2b_server.wire import CONTROL_HEADERS, SANDBOX_HEADERS, Seen

SANDBOX_PATHS: Final = ("/process.Process/", "/filesystem.Filesystem/", "/files", "/health")
SAMPLE_SECONDS: Final = 0.2
# Figures take at most one part in so many of a processor's time.
SPENT_SHARE: Final = 10
START_SECONDS: Final = 30

T = TypeVar("T")


class E2BServer:
    """Stands in for the E2B service while it is entered; see `Rules` for what it is like and `Faults` for its moods.

    `directory` is where sandboxes lie (default: one of its own, removed at the end); `toolchain` what they build with
    (default: this machine's).
    """

    def __init__(
        self,
        rules: Rules | None = None,
        toolchain: Toolchain | None = None,
        directory: Path | None = None,
        port: int = 0,
    ) -> None:
        self.rules, self._toolchain, self._directory, self._port = rules or Rules(), toolchain, directory, port
        self.violations: list[str] = []
        self.requests: list[Seen] = []
        self._mischief = Mischief()
        self._stop = threading.Event()
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> E2BServer:
        """Start it."""
        toolchain = self._toolchain or find_toolchain(os.environ)
        directory = self._directory or Path(
            self._stack.enter_context(tempfile.TemporaryDirectory(prefix="e2b-server-"))
        )
        self._hall = Hall(directory, toolchain)
        self._control = Control(self.rules, self._hall, self._mischief, self.violations)
        # Named as TCP, or asyncio would leave small packets waiting for each other.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", self._port))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="e2b server", daemon=True)
        self._ready = threading.Event()
        self._thread.start()
        assert self._ready.wait(START_SECONDS)
        self._sampler = threading.Thread(target=self._sample, name="e2b metrics", daemon=True)
        self._sampler.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it and all its sandboxes."""
        self._stop.set()
        self._sampler.join()
        self._do(self._control.close())
        self._uvicorn.should_exit = self._uvicorn.force_exit = True
        self._thread.join(START_SECONDS)
        self._socket.close()
        self._stack.close()

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead the SDK here."""
        api, sandbox = self.url + self.rules.api_prefix, self.url + self.rules.sandbox_prefix
        return {"E2B_API_KEY": self.rules.api_key, "E2B_API_URL": api, "E2B_SANDBOX_URL": sandbox}

    @property
    def path(self) -> str:
        """PATH inside of its sandboxes."""
        return self._hall.path

    @property
    def faults(self) -> Faults:
        """What goes wrong by itself; may be set at any time."""
        return self._mischief.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._mischief.faults = faults

    def inject(self, request: str, fault: Fault, times: int = 1) -> None:
        """Let the next requests that match "METHOD /path" (without prefix; with * and ?) go wrong."""
        self._mischief.plan(request, fault, times)

    def running(self) -> tuple[Record, ...]:
        """Return the sandboxes that run."""
        return tuple(box.record for box in tuple(self._control.alive.values()))

    def created(self) -> tuple[Record, ...]:
        """Return all sandboxes that ever ran."""
        return tuple(box.record for box in tuple(self._control.ever.values()))

    def templates(self) -> tuple[Template, ...]:
        """Return the templates, with their tags and builds."""
        return tuple(self._control.templates.all.values())

    def break_step(self, text: str, message: str) -> None:
        """Let builds of templates fail at a step that holds a text."""
        self._control.templates.broken[text] = message

    def mend(self) -> None:
        """Let all builds of templates succeed again."""
        self._control.templates.broken.clear()

    def vanish(self, sandbox_id: str) -> None:
        """Let a sandbox be gone, without a word."""

        async def end() -> None:
            self._control.end(self._control.alive[sandbox_id], "vanished")

        self._do(end())

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        envd = Envd()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await self._answer(envd, scope, receive, send)

        config = uvicorn.Config(
            app, log_level="critical", http="h11", ws="none", lifespan="off", log_config=None, access_log=False, proxy_headers=False,
            server_header=False, timeout_keep_alive=3_600, backlog=512,
        )  # fmt: skip
        self._uvicorn = uvicorn.Server(config)
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.call_soon(self._ready.set)
            await self._uvicorn._serve([self._socket])

    async def _answer(self, envd: Envd, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send, self._note)
        path = str(scope["path"])
        try:
            for names, known, prefix, needed, plane in (
                (
                    SANDBOX_PATHS,
                    SANDBOX_HEADERS,
                    self.rules.sandbox_prefix,
                    self.rules.sandbox_headers,
                    self._sandbox(envd),
                ),
                (("/",), CONTROL_HEADERS, self.rules.api_prefix, self.rules.api_headers, self._control.app),
            ):
                bare = path.removeprefix(prefix)
                if path.startswith(f"{prefix}/") and bare.startswith(names):
                    exchange.enter(bare, len(prefix))
                    self._check(exchange, known, needed)
                    if missing := [
                        name for name, value in needed.items() if exchange.headers.get(name.lower()) != value
                    ]:
                        return await exchange.say(
                            JSONResponse({"code": 403, "message": f"the gateway wants the header {missing[0]}"}, 403)
                        )
                    return await exchange.run(plane, self._mischief.choose(exchange.method, bare))
            await exchange.say(Response(status_code=404))
        except ClientDisconnect:
            pass  # in the middle of its request: nobody is left to be answered
        except Exception:
            self.violations.append(traceback.format_exc())
            raise
        finally:
            exchange.note()

    def _sandbox(self, envd: Envd) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        """Return the plane of the sandboxes, told apart by a header as the service's proxy does."""

        async def plane(scope: Scope, receive: Receive, send: Send) -> None:
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            sandbox_id = headers.get("e2b-sandbox-id", "")
            box = self._control.alive.get(sandbox_id)
            if not sandbox_id or headers.get("e2b-sandbox-port") != "49983":
                self.violations.append(f"{scope['path']}: names no sandbox and port")
            if box is None:
                body = {"sandboxId": sandbox_id, "message": "The sandbox was not found", "code": 502}
                await JSONResponse(body, 502)(scope, receive, send)
                return
            if scope["path"] != "/health" and headers.get("x-access-token") != box.born.token:
                body = {"code": 401, "message": "unauthorized access, please provide a valid access token"}
                await JSONResponse(body, 401)(scope, receive, send)
                return
            call = Call(box)
            CALL.set(call)

            async def watched() -> Message:
                message = await receive()
                if message["type"] == "http.disconnect":
                    call.gone.set()
                return message

            await envd(scope, watched, send)

        return plane

    def _note(self, exchange: Exchange) -> None:
        if exchange.status == 405 or (exchange.status == 404 and exchange.unrouted):
            self.violations.append(f"{exchange.method} {exchange.path}: no such path")
        self.requests.append(exchange.seen())

    def _check(self, exchange: Exchange, known: frozenset[str], needed: Mapping[str, str]) -> None:
        allowed = known | {name.lower() for name in needed}
        odd = [name for name in exchange.headers if name not in allowed and not name.startswith("x-metadata-")]
        self.violations += [f"{exchange.method} {exchange.path}: unknown header {name}" for name in odd]

    def _sample(self) -> None:
        due = 0.0
        while not self._stop.wait(SAMPLE_SECONDS):
            started = time.monotonic()
            measure = started >= due
            for box in tuple(self._control.alive.values()):
                with contextlib.suppress(OSError, psutil.Error):  # it may end meanwhile
                    if measure:
                        box.take_metrics()
                    else:
                        box.machine.sample()
            if measure:
                spent = time.monotonic() - started
                due = started + max(self.rules.metrics_seconds, SPENT_SHARE * spent)


class Exchange:
    """One request and its answer, which a fault may change on its way."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, write_down: Callable[[Exchange], None]) -> None:
        self._scope, self._receive, self._send, self._write_down = scope, receive, send, write_down
        self._noted = False
        self.method, self.path = str(scope["method"]), str(scope["path"])
        self.headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        self.status, self._sent = 0, 0
        self._fault: Fault | None = None
        self._size: int | None = None
        self._over = False
        self._head: Message | None = None

    @property
    def unrouted(self) -> bool:
        """Whether nobody knows the path."""
        return "endpoint" not in self._scope and not self.path.startswith(SANDBOX_PATHS)

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

    def seen(self) -> Seen:
        """What to write down."""
        return Seen(self.method, self.path, self.headers, self.status, repr(self._fault) if self._fault else None)

    async def say(self, response: Response) -> None:
        """Answer."""
        self.status = response.status_code
        self.note()
        await response(self._scope, self._receive, self._send)

    async def run(self, plane: Callable[[Scope, Receive, Send], Awaitable[None]], fault: Fault | None) -> None:
        """Answer as the plane does, unless a fault is in the way."""
        self._fault = fault
        match fault:
            case Say(status, body, headers, perform):
                if perform:
                    await plane(self._scope, self._receive, _nowhere)
                await self._read_all(perform)
                said = Response(body, status) if isinstance(body, str) else JSONResponse(dict(body), status)
                said.headers.update(headers)
                await self.say(said)
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
            await self._send(_measured(head, message))
        if not self._over:
            await self._body(message)

    async def _start(self, message: Message) -> Message:
        if isinstance(self._fault, Stall) and self._fault.after == 0:
            await asyncio.sleep(self._fault.seconds)
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
                await asyncio.sleep(seconds)
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

    def _cut(self, reset: bool) -> None:
        """Close the connection under the answer."""
        self._over = True
        transport: asyncio.Transport = self._send.__self__.transport  # type: ignore[attr-defined]
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
