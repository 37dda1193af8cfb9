"""Rate limit of requests that create sandboxes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from generator.sandboxes.contract import SandboxError

# The share by which the interval is longer than the limit demands, because requests differ in their time on the
# network.
MARGIN: Final = 0.1
# Seconds that a request not yet sent delays the next one. A connection takes less to be made.
SEND_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Turn:
    """The turn of a process among `of` processes that share a rate limit; `number` begins with 0.

    Each sends only when it is its turn by the time of day, which all machines have in common.
    """

    number: int
    of: int


ALONE: Final = Turn(0, 1)


class RateLimit:
    """Rate limit for all threads: fewer than `per_second` requests are sent.

    The interval starts when the previous request is sent, not when it acquires the limit. With a turn, the processes
    together keep the limit, whenever each of them begins or is ready for its next request.
    """

    def __init__(
        self,
        per_second: float,
        clock: Callable[[], float] = time.monotonic,
        send_seconds: float = SEND_SECONDS,
        turn: Turn = ALONE,
        time_of_day: Callable[[], float] = time.time,
    ) -> None:
        self._interval, self._clock, self._send_seconds = (1 + MARGIN) / per_second, clock, send_seconds
        self._turn, self._time_of_day = turn, time_of_day
        self._next = clock()
        self._queue, self._lock = threading.Lock(), threading.Lock()
        self._previous_sent = threading.Event()
        self._previous_sent.set()

    @property
    def round_seconds(self) -> float:
        """Seconds from a turn of this process to its next one."""
        return self._turn.of * self._interval

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
        after = None
        while after != self._next:  # a response may have asked for a pause
            after = self._next
            stop.wait(max(0.0, self._own_turn(after) - self._clock()))
        if stop.is_set():
            raise SandboxError("the run was stopped")

    def _own_turn(self, after: float) -> float:
        """Return the first moment of the clock at or after another one, and not in the past, that is in turn."""
        now = self._clock()
        earliest = max(after, now)
        if self._turn.of == 1:
            return earliest
        time_of_day = self._time_of_day() + earliest - now
        return earliest + (self._turn.number * self._interval - time_of_day) % self.round_seconds
