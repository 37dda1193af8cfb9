"""The processes of one command: which they are, and their end."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from typing import Final

import psutil

from generator.sandboxes.local.memory import MemorySamples

# How old, in seconds, what is known of the machine's processes may be.
SAMPLE_SECONDS: Final = 0.2

# Names the sandbox in the environment of everything that runs in one without isolation.
MARK_VARIABLE: Final = "CRATEMATRIX_SANDBOX"


class ProcessTable:
    """The machine's processes and their parents, read once per `SAMPLE_SECONDS` for all sandboxes together.

    `holders` is what the sandboxes know of each other's memory.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._children: dict[int, list[psutil.Process]] = {}
        self._read_at = float("-inf")
        self.memory_samples = MemorySamples()

    def tree(self, pid: int) -> list[psutil.Process]:
        """A process of this one's own, and every process below it."""
        children = self._current()
        found = [psutil.Process(pid)]
        for process in found:  # grows while it is walked: breadth first
            found += children.get(process.pid, ())
        return found

    def _current(self) -> dict[int, list[psutil.Process]]:
        with self._lock:
            if time.monotonic() - self._read_at >= SAMPLE_SECONDS:
                self._children = _children()
                self._read_at = time.monotonic()
            return self._children


def _children() -> dict[int, list[psutil.Process]]:
    children: dict[int, list[psutil.Process]] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            children.setdefault(process.ppid(), []).append(process)
    # Process 0 is its own parent on some systems.
    return {parent: [each for each in found if each.pid != parent] for parent, found in children.items()}


def kill_marked(leader: int | None, mark: str) -> None:
    """End the process group of a leader that lives, and whatever carries the mark in its environment."""
    if leader is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)
    for _ in range(20):  # one that forks while it is looked for is found in the next round
        alive = [process for process in psutil.process_iter() if _carries(process, mark)]
        if not alive:
            return
        for process in alive:
            with contextlib.suppress(psutil.Error):
                process.kill()
        # psutil's own waiting would take a child's exit code from whoever started it.
        ends = time.monotonic() + 0.5
        while any(_carries(process, mark) for process in alive) and time.monotonic() < ends:
            time.sleep(0.005)


def _carries(process: psutil.Process, mark: str) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK_VARIABLE) == mark
    return False
