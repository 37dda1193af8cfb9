"""Not asking for sandboxes faster than the account allows."""

from __future__ import annotations

import threading
import time


class Pace:
    """Gives turns, `per_second` of them, to whoever asks from any thread."""

    def __init__(self, per_second: float) -> None:
        self._between = 1 / per_second
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self, stop: threading.Event) -> bool:
        """Wait for a turn; False when `stop` came first."""
        with self._lock:
            turn = max(time.monotonic(), self._next)
            self._next = turn + self._between
        return not stop.wait(max(0.0, turn - time.monotonic()))
