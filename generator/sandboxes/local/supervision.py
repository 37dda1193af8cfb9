"""Following one process from its start to the end of its whole tree."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import psutil

from generator.sandboxes.contract import OnLine
from generator.sandboxes.lines import LineSplitter
from generator.sandboxes.local.control_groups import ControlGroup
from generator.sandboxes.local.memory import memory_used
from generator.sandboxes.local.process_tree import SAMPLE_SECONDS, ProcessTable

Killed = Literal["timeout", "memory", "disk", "stopped"]

# How long, in seconds, stop and timeout may go unnoticed.
POLL_SECONDS: Final = 0.05
# Output that still arrives after the end: of processes that are being killed, or that the command left behind.
DRAIN_SECONDS: Final = 0.5
CHUNK_BYTES: Final = 64 * 1024
# With less than this free on the disk, the host itself is in danger.
MIN_FREE_BYTES: Final = 512 * 1024 * 1024
MIN_FREE_FILES: Final = 10_000
# With less memory than this available, too: what holds it may be what no sample sees, as what waits in sockets.
MIN_AVAILABLE_BYTES: Final = 256 * 1024 * 1024


@dataclass(frozen=True)
class HostReserve:
    """What must be left of the machine: bytes and files on its disk, and bytes of its memory."""

    disk: int = MIN_FREE_BYTES
    files: int = MIN_FREE_FILES
    memory: int = MIN_AVAILABLE_BYTES

    def is_disk_short(self, directory: Path) -> bool:
        """Whether less is left on the disk of a directory; some file systems count no files."""
        left = os.statvfs(directory)
        return left.f_bavail * left.f_frsize < self.disk or (left.f_files > 0 and left.f_favail < self.files)

    def is_memory_short(self) -> bool:
        """Whether less memory is left."""
        return psutil.virtual_memory().available < self.memory


@dataclass
class CommandMonitor:
    """Whether a process must be ended, and why: asked often, it looks at memory and disk only now and then."""

    stops: tuple[threading.Event, ...]
    deadline: float
    memory_bytes: int
    directory: Path
    table: ProcessTable
    reserve: HostReserve = HostReserve()
    group: ControlGroup | None = None
    peak_memory: int = 0
    _next_sample: float = field(default_factory=lambda: time.monotonic() + SAMPLE_SECONDS)

    def kill_reason(self, pid: int) -> Killed | None:
        """Return why the tree below `pid` must end now, or None."""
        if any(stop.is_set() for stop in self.stops):
            return "stopped"
        now = time.monotonic()
        if now >= self.deadline:
            return "timeout"
        if now < self._next_sample:
            return None
        self._next_sample = now + SAMPLE_SECONDS
        return self._sample(pid)

    def _sample(self, pid: int) -> Killed | None:
        """Ask the kernel what a group holds, or sum up what its processes seem to hold where there is none."""
        memory = self.group.memory if self.group else memory_used(self.table.tree(pid), self.memory_bytes)
        holders = self.table.memory_samples
        self.peak_memory = max(self.peak_memory, memory)
        holders.record(pid, memory)
        if memory > self.memory_bytes or (self.reserve.is_memory_short() and holders.is_largest(pid)):
            return "memory"
        return "disk" if self.reserve.is_disk_short(self.directory) else None


def supervise(
    process: subprocess.Popen[bytes], on_line: OnLine, watch: CommandMonitor, end: Callable[[subprocess.Popen[bytes]], None]
) -> Killed | None:
    """Deliver a process's output until it has ended or `watch` finds a reason to end it, which is returned.

    `end` must leave nothing of the tree; it is called in every case, also when `on_line` raises.
    """
    assert process.stdout is not None  # noqa: S101  every caller gives it a pipe
    lines = LineSplitter(on_line)
    try:
        killed = _listen(process, process.stdout.fileno(), lines, watch)
    finally:
        end(process)
        process.wait()
        watch.table.memory_samples.remove(process.pid)
    _drain(process.stdout.fileno(), lines)
    lines.end()
    return killed


def _listen(process: subprocess.Popen[bytes], output: int, lines: LineSplitter, watch: CommandMonitor) -> Killed | None:
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        closed = False
        while process.poll() is None:
            if killed := watch.kill_reason(process.pid):
                return killed
            if closed:  # it is about to end, or works on in silence
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(POLL_SECONDS)
            elif selector.select(POLL_SECONDS):
                chunk = os.read(output, CHUNK_BYTES)
                lines.feed(chunk)
                if closed := not chunk:
                    selector.unregister(output)
    return None


def _drain(output: int, lines: LineSplitter) -> None:
    deadline = time.monotonic() + DRAIN_SECONDS
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline - time.monotonic())):
            chunk = os.read(output, CHUNK_BYTES)
            lines.feed(chunk)
            if not chunk or time.monotonic() >= deadline:
                return
