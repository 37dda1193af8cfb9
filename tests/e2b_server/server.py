"""The server: both planes on one port of this machine, in a thread of its own, with everything that can go wrong."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

import psutil
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from generator.toolchain.host import HostToolchain, find_host_toolchain
from generator.toolchain.mounts import Bind
from tests.e2b_server.control import Control
from tests.e2b_server.envd import CALL, Call, Envd
from tests.e2b_server.faults import Faults
from tests.e2b_server.machine import Hall
from tests.e2b_server.rules import Rules
from tests.e2b_server.sandboxes import Record
from tests.e2b_server.templates import Template
from tests.e2b_server.wire import CONTROL_HEADERS, SANDBOX_HEADERS, Seen
from tests.serving.exchange import Exchange
from tests.serving.faults import Moody
from tests.serving.port import Port

SANDBOX_PATHS: Final = ("/process.Process/", "/filesystem.Filesystem/", "/files", "/health")
SAMPLE_SECONDS: Final = 0.2
# Figures take at most one part in so many of a processor's time.
SPENT_SHARE: Final = 10


class E2BServer(Moody[Faults]):
    """Stands in for the E2B service while it is entered; see `Rules` for what it is like and `Faults` for its moods.

    `directory` is where sandboxes lie (default: one of its own, removed at the end); `toolchain` what they build with
    (default: this machine's); `binds` what of this machine they see besides. `image` is the root of another system, which
    they see in place of this machine's, with a copy of its /build.
    """

    def __init__(
        self,
        rules: Rules | None = None,
        toolchain: HostToolchain | None = None,
        directory: Path | None = None,
        port: int = 0,
        binds: Sequence[Bind] = (),
        image: Path | None = None,
    ) -> None:
        super().__init__(Faults())
        self.rules, self._toolchain, self._directory, self._number = rules or Rules(), toolchain, directory, port
        self._binds, self._image = binds, image
        self.violations: list[str] = []
        self.requests: list[Seen] = []
        self._stop = threading.Event()
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> E2BServer:
        """Start it."""
        toolchain = self._toolchain or find_host_toolchain(os.environ)
        directory = self._directory or Path(
            self._stack.enter_context(tempfile.TemporaryDirectory(prefix="e2b-server-"))
        )
        self._hall = Hall(directory, toolchain, self._binds, self._image)
        self._control = Control(self.rules, self._hall, self._mischief, self.violations)
        envd = Envd()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await self._answer(envd, scope, receive, send)

        self._port = Port(app, self._number, "e2b server")
        self.url = self._port.url
        self._port.open()
        self._sampler = threading.Thread(target=self._sample, name="e2b metrics", daemon=True)
        self._sampler.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it and all its sandboxes."""
        self._stop.set()
        self._sampler.join()
        self._port.do(self._control.close())
        self._port.close()
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

    def running(self) -> tuple[Record, ...]:
        """Return the sandboxes that run."""
        return tuple(box.record for box in tuple(self._control.alive.values()))

    def starting(self) -> int:
        """Return how many sandboxes are about to run."""
        return self._control.starting

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

        self._port.do(end())

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
        unrouted = exchange.unrouted and not exchange.path.startswith(SANDBOX_PATHS)
        if exchange.status == 405 or (exchange.status == 404 and unrouted):
            self.violations.append(f"{exchange.method} {exchange.path}: no such path")
        self.requests.append(
            Seen(exchange.method, exchange.path, exchange.headers, exchange.status, exchange.fault, exchange.arrived_at)
        )

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
