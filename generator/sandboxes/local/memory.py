"""Memory use of a command's processes, by sampling."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import psutil

# Bytes of a block in stat's count.
_BLOCK_BYTES: Final = 512


def memory_used(processes: Iterable[psutil.Process], limit: int) -> int:
    """Return the bytes of memory that processes use together; exact above `limit`.

    The sum of resident sizes counts a shared page once per process, and misses files in memory that no process has
    mapped. Resident sizes and the size of files in memory are read in microseconds. Above `limit`, proportional sizes
    are read too: they count a shared page once, and take milliseconds.
    """
    sampled = list(processes)
    resident = sum(map(_resident, sampled))
    # An upper bound for files in memory: those of the whole machine.
    if resident + int(getattr(psutil.virtual_memory(), "shared", 0)) <= limit:
        return resident
    files = _memory_file_bytes(sampled)
    if resident + files <= limit:
        return resident
    sizes = [_proportional(process) for process in sampled]
    # The proportional sizes already contain the mapped part of the files.
    return sum(size for size, _ in sizes) + max(0, files - sum(mapped for _, mapped in sizes))


def _resident(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return process.memory_info().rss
    return 0


def _proportional(process: psutil.Process) -> tuple[int, int]:
    """Return a process's proportional size, and the part of it that files in memory take, where it is known."""
    try:
        with open(f"/proc/{process.pid}/smaps_rollup", "rb") as file:  # noqa: PTH123  Path costs more than it reads
            sizes = {line.split()[0]: int(line.split()[1]) * 1024 for line in file if line.startswith(b"Pss")}
        return sizes[b"Pss:"], sizes.get(b"Pss_Shmem:", 0)
    except (OSError, KeyError):
        pass
    with contextlib.suppress(psutil.Error):
        # macOS has no proportional size. The unique size omits shared pages.
        return process.memory_full_info().uss, 0
    return _resident(process), 0


def _memory_file_bytes(processes: Sequence[psutil.Process]) -> int:
    """Return the bytes of open files of memfd_create, each file once."""
    found: dict[tuple[int, int], int] = {}
    for process in processes:
        directory = f"/proc/{process.pid}/fd"
        with contextlib.suppress(OSError):
            for name in os.listdir(directory):  # noqa: PTH208
                with contextlib.suppress(OSError):
                    if os.readlink(f"{directory}/{name}").startswith("/memfd:"):  # noqa: PTH115
                        status = os.stat(f"{directory}/{name}")  # noqa: PTH116
                        found[status.st_dev, status.st_ino] = status.st_blocks * _BLOCK_BYTES
    return sum(found.values())


def processes_killed_for_memory() -> int:
    """Return how many processes the kernel has killed for lack of memory since it started; 0 where it does not tell."""
    with contextlib.suppress(OSError):
        counts = dict(line.split() for line in Path("/proc/vmstat").read_text().splitlines())
        return int(counts.get("oom_kill", 0))
    return 0


class MemorySamples:
    """Last memory sample of each running command; the largest one is killed when the machine runs out of memory."""

    def __init__(self) -> None:
        self._lock, self._samples = threading.Lock(), dict[int, int]()

    def record(self, pid: int, memory: int) -> None:
        """Record a sample of the command whose first process is `pid`."""
        with self._lock:
            self._samples[pid] = memory

    def remove(self, pid: int) -> None:
        """Remove the sample of a finished command."""
        with self._lock:
            self._samples.pop(pid, None)

    def is_largest(self, pid: int) -> bool:
        """Return True if no command uses more memory than this one."""
        with self._lock:
            return self._samples.get(pid, 0) >= max(self._samples.values(), default=0)
