"""Supervision of a command from its start to the end of its process tree: output, limits and timeout."""

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
from generator.sandboxes.local.memory import memory_used, processes_killed_for_memory
from generator.sandboxes.local.process_tree import SAMPLE_SECONDS, ProcessTable

Killed = Literal["timeout", "memory", "disk", "stopped"]

# Seconds between two checks for a stop or a timeout.
POLL_SECONDS: Final = 0.05
# Seconds for the output of processes that outlive the command for a moment.
DRAIN_SECONDS: Final = 0.5
CHUNK_BYTES: Final = 64 * 1024
# The host needs free disk space, free inodes and available memory of its own.
MIN_FREE_BYTES: Final = 512 * 1024 * 1024
MIN_FREE_FILES: Final = 10_000
# Samples miss some memory, such as data in sockets, so the available memory of the host is checked too.
MIN_AVAILABLE_BYTES: Final = 256 * 1024 * 1024


@dataclass(frozen=True)
class HostReserve:
    """Reserve of the host that no command may use: bytes and inodes of its disk, and bytes of its memory."""

    disk: int = MIN_FREE_BYTES
    files: int = MIN_FREE_FILES
    memory: int = MIN_AVAILABLE_BYTES

    def is_disk_short(self, directory: Path) -> bool:
        """Return True if the disk of a directory is below the reserve; some file systems count no inodes."""
        disk = os.statvfs(directory)
        return disk.f_bavail * disk.f_frsize < self.disk or (disk.f_files > 0 and disk.f_favail < self.files)

    def is_memory_short(self) -> bool:
        """Return True if the available memory is below the reserve."""
        return psutil.virtual_memory().available < self.memory


@dataclass
class CommandMonitor:
    """Monitor of a command's limits; it samples memory and disk every `SAMPLE_SECONDS`, however often it is called."""

    stops: tuple[threading.Event, ...]
    deadline: float
    memory_bytes: int
    directory: Path
    table: ProcessTable
    reserve: HostReserve = HostReserve()
    group: ControlGroup | None = None
    peak_memory: int = 0
    _next_sample: float = field(default_factory=lambda: time.monotonic() + SAMPLE_SECONDS)
    killed_before: int = field(default_factory=processes_killed_for_memory)

    def kill_reason(self, pid: int) -> Killed | None:
        """Return the reason to kill the process tree of `pid` now, or None."""
        if any(stop.is_set() for stop in self.stops):
            return "stopped"
        now = time.monotonic()
        if now >= self.deadline:
            return "timeout"
        if now < self._next_sample:
            return None
        self._next_sample = now + SAMPLE_SECONDS
        return self._sample(pid)

    def shortage(self) -> Killed | None:
        """Return what a command lacked that has failed by itself: memory, as the kernel tells, or disk.

        Without a control group the kernel tells only that some process of the machine was killed meanwhile.
        """
        if self.group is None:
            out_of_memory = processes_killed_for_memory() > self.killed_before
        elif out_of_memory := self.group.ran_out_of_memory:
            self.peak_memory = max(self.peak_memory, self.memory_bytes)
        if out_of_memory:
            return "memory"
        return "disk" if self.reserve.is_disk_short(self.directory) else None

    def _sample(self, pid: int) -> Killed | None:
        """Check memory and disk; without a control group, memory is the sum of the processes' sizes."""
        memory = self.group.memory if self.group else memory_used(self.table.tree(pid), self.memory_bytes)
        samples = self.table.memory_samples
        self.peak_memory = max(self.peak_memory, memory)
        samples.record(pid, memory)
        if memory > self.memory_bytes or (self.reserve.is_memory_short() and samples.is_largest(pid)):
            return "memory"
        return "disk" if self.reserve.is_disk_short(self.directory) else None


def supervise(
    process: subprocess.Popen[bytes],
    on_line: OnLine,
    monitor: CommandMonitor,
    kill: Callable[[subprocess.Popen[bytes]], None],
) -> Killed | None:
    """Deliver a process's output until it ends, or until `monitor` returns a reason to kill it, which is returned.

    `kill` must end the whole tree. It is called in every case, even when `on_line` raises.
    """
    assert process.stdout is not None  # noqa: S101  every caller gives it a pipe
    lines = LineSplitter(on_line)
    try:
        killed = _read_to_end(process, process.stdout.fileno(), lines, monitor)
    finally:
        kill(process)
        process.wait()
        monitor.table.memory_samples.remove(process.pid)
    _drain(process.stdout.fileno(), lines)
    lines.end()
    return killed


def _read_to_end(
    process: subprocess.Popen[bytes], output: int, lines: LineSplitter, monitor: CommandMonitor
) -> Killed | None:
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        closed = False
        while process.poll() is None:
            if killed := monitor.kill_reason(process.pid):
                return killed
            if closed:  # the process is about to end, or runs without output
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
