"""Rate limit of requests that create sandboxes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from generator.sandboxes.contract import SandboxError

# The share by which the interval is longer than the limit demands, because requests differ in their time on the
# network.
MARGIN: Final = 0.1
# Seconds that a request not yet sent delays the next one. A connection takes less to be made.
SEND_SECONDS: Final = 2.0


class RateLimit:
    """Rate limit for all threads: fewer than `per_second` requests are sent.

    The interval starts when the previous request is sent, not when it acquires the limit. The first request waits
    `first_seconds`.
    """

    def __init__(
        self,
        per_second: float,
        clock: Callable[[], float] = time.monotonic,
        send_seconds: float = SEND_SECONDS,
        first_seconds: float = 0.0,
    ) -> None:
        self._interval, self._clock, self._send_seconds = (1 + MARGIN) / per_second, clock, send_seconds
        self._next = clock() + first_seconds
        self._queue, self._lock = threading.Lock(), threading.Lock()
        self._previous_sent = threading.Event()
        self._previous_sent.set()

    @contextmanager
    def acquire(self, stop: threading.Event) -> Iterator[Callable[[], None]]:
        """Wait until a request may be sent, and yield the function to call once it is sent.

        SandboxError when `stop` is set first.
        """
        with self._queue:
            self._wait(stop)
            self._previous_sent = sent = threading.Event()
            self.pause(self._interval)

        def mark_sent() -> None:
            if not sent.is_set():
                self.pause(self._interval)
                sent.set()

        try:
            yield mark_sent
        finally:
            mark_sent()

    def pause(self, seconds: float) -> None:
        """Let no request be sent for at least `seconds` from now."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)

    def _wait(self, stop: threading.Event) -> None:
        if not stop.is_set():
            self._previous_sent.wait(self._send_seconds)
        while (seconds := self._next - self._clock()) > 0 and not stop.wait(seconds):
            pass
        if stop.is_set():
            raise SandboxError("the run was stopped")
