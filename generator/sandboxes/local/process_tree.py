"""Process trees of commands: their processes, and how to kill them."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path
from typing import Final

import psutil

from generator.sandboxes.local.memory import MemorySamples

# Seconds that a snapshot of the machine's processes stays valid.
SAMPLE_SECONDS: Final = 0.2

# The lists exist where the kernel is built with CONFIG_PROC_CHILDREN, as those of distributions are.
_LISTS_CHILDREN: Final = Path("/proc/thread-self/children").exists()

# Environment variable with the name of the sandbox, in every process of a sandbox without isolation.
MARK_VARIABLE: Final = "CRATEMATRIX_SANDBOX"


class ProcessTable:
    """The processes below those of running commands.

    Linux lists the children of each process; `lists_children` is False for a kernel without these lists. There a
    snapshot of the machine's processes is read once per `SAMPLE_SECONDS` for all sandboxes. `memory_samples` are the
    last samples of all running commands.
    """

    def __init__(self, lists_children: bool = _LISTS_CHILDREN) -> None:
        self._children = listed_children if lists_children else self._snapshot_children
        self._lock = threading.Lock()
        self._snapshot: dict[int, list[psutil.Process]] = {}
        self._read_at = float("-inf")
        self.memory_samples = MemorySamples()

    def tree(self, pid: int) -> list[psutil.Process]:
        """Return a child process of the runner, and every process below it."""
        found = [psutil.Process(pid)]
        for process in found:  # grows during the loop: breadth first
            found += self._children(process.pid)
        return found

    def _snapshot_children(self, pid: int) -> list[psutil.Process]:
        with self._lock:
            if time.monotonic() - self._read_at >= SAMPLE_SECONDS:
                self._snapshot = _read_children()
                self._read_at = time.monotonic()
            return self._snapshot.get(pid, [])


def listed_children(pid: int) -> list[psutil.Process]:
    """Return the children that the kernel lists for the threads of a process; proc_pid_task(5)."""
    words: list[str] = []
    with contextlib.suppress(OSError):  # the process has ended
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
            with contextlib.suppress(OSError):  # the thread has ended
                words += Path(f"/proc/{pid}/task/{thread}/children").read_text().split()
    children: list[psutil.Process] = []
    for word in words:
        with contextlib.suppress(psutil.Error):
            children.append(psutil.Process(int(word)))
    return children


def _read_children() -> dict[int, list[psutil.Process]]:
    children: dict[int, list[psutil.Process]] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            children.setdefault(process.ppid(), []).append(process)
    # Process 0 is its own parent on some systems.
    return {parent: [each for each in found if each.pid != parent] for parent, found in children.items()}


def kill_marked(leader: int | None, mark: str) -> None:
    """Kill the process group of a running leader, and every process with the mark in its environment."""
    if leader is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)
    for _ in range(20):  # a process that forks during the search is found in the next round
        alive = [process for process in psutil.process_iter() if _has_mark(process, mark)]
        if not alive:
            return
        for process in alive:
            with contextlib.suppress(psutil.Error):
                process.kill()
        # psutil's own wait would consume the exit code that the child's parent waits for.
        deadline = time.monotonic() + 0.5
        while any(_has_mark(process, mark) for process in alive) and time.monotonic() < deadline:
            time.sleep(0.005)


def _has_mark(process: psutil.Process, mark: str) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK_VARIABLE) == mark
    return False
