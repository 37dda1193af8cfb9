"""A port of this machine and the thread that answers on it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

import uvicorn
from starlette.types import ASGIApp

START_SECONDS: Final = 120
T = TypeVar("T")


class Port:
    """Serves an application from a thread of its own until it is closed; `number` 0 takes a free port."""

    def __init__(self, app: ASGIApp, number: int, name: str) -> None:
        self._app = app
        # Named as TCP, or asyncio would leave small packets waiting for each other.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", number))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name=name, daemon=True)

    def open(self) -> None:
        """Begin to answer."""
        self._thread.start()
        assert self._ready.wait(START_SECONDS)

    def close(self) -> None:
        """End it, whatever it is about."""
        self._uvicorn.should_exit = self._uvicorn.force_exit = True
        self._thread.join(START_SECONDS)
        self._socket.close()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the thread that answers, and return what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(120)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        config = uvicorn.Config(
            self._app, interface="asgi3", log_level="critical", http="h11", ws="none", lifespan="off", log_config=None, access_log=False,
            proxy_headers=False, server_header=False, timeout_keep_alive=3_600, backlog=512,
        )  # fmt: skip
        self._uvicorn = uvicorn.Server(config)
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.call_soon(self._ready.set)
            await self._uvicorn._serve([self._socket])
