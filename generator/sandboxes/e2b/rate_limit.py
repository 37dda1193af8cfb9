"""Not asking for sandboxes faster than the account allows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from generator.sandboxes.contract import SandboxError

# Requests that leave this far apart do not reach the service closer together than the account allows, though not all
# are on their way for the same time.
MARGIN: Final = 0.1
# How long one request that is not out yet holds up the next: longer than a connection takes to be made.
SEND_SECONDS: Final = 2.0


class RateLimit:
    """Gives turns to send a request to whoever asks from any thread, fewer than `per_second` of them.

    The time between two is counted from when the first has left, not from when it was allowed to.
    """

    def __init__(
        self, per_second: float, clock: Callable[[], float] = time.monotonic, send_seconds: float = SEND_SECONDS
    ) -> None:
        self._between, self._clock, self._send_seconds = (1 + MARGIN) / per_second, clock, send_seconds
        self._next = clock()
        self._line, self._lock = threading.Lock(), threading.Lock()
        self._out = threading.Event()
        self._out.set()

    @contextmanager
    def acquire(self, stop: threading.Event) -> Iterator[Callable[[], None]]:
        """Wait for a turn, and yield what is to be called once the request has left.

        SandboxError when `stop` comes before the turn.
        """
        with self._line:
            self._wait(stop)
            self._out = out = threading.Event()
            self.pause(self._between)

        def left() -> None:
            if not out.is_set():
                self.pause(self._between)
                out.set()

        try:
            yield left
        finally:
            left()

    def pause(self, seconds: float) -> None:
        """Give no turn for so long."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)

    def _wait(self, stop: threading.Event) -> None:
        if not stop.is_set():
            self._out.wait(self._send_seconds)
        while (seconds := self._next - self._clock()) > 0 and not stop.wait(seconds):
            pass
        if stop.is_set():
            raise SandboxError("the run was stopped")
