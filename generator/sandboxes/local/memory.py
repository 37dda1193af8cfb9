"""What memory a command's processes hold together, by sampling."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable, Sequence
from typing import Final

import psutil

# Bytes of a block, as stat counts them.
_BLOCK: Final = 512


def memory_used(processes: Iterable[psutil.Process], limit: int) -> int:
    """Bytes of memory that processes hold together, exact where it matters: above `limit`.

    Resident sizes count a shared page once per process, so their sum is too small only by files in memory that no
    process has mapped; both cost microseconds. Only where they exceed `limit` together are the proportional sizes
    read, which count a shared page once and cost milliseconds.
    """
    held = list(processes)
    resident = sum(map(_resident, held))
    # No more than the whole machine has in such files, which is often nothing that matters.
    if resident + int(getattr(psutil.virtual_memory(), "shared", 0)) <= limit:
        return resident
    files = _files_in_memory(held)
    if resident + files <= limit:
        return resident
    sizes = [_proportional(process) for process in held]
    # What of the files is mapped is in the proportional sizes already.
    return sum(size for size, _ in sizes) + max(0, files - sum(mapped for _, mapped in sizes))


def _resident(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return process.memory_info().rss
    return 0


def _proportional(process: psutil.Process) -> tuple[int, int]:
    """Return a process's proportional size, and how much of it is of files in memory, where that is known."""
    try:
        with open(f"/proc/{process.pid}/smaps_rollup", "rb") as file:  # noqa: PTH123  Path costs more than it reads
            sizes = {line.split()[0]: int(line.split()[1]) * 1024 for line in file if line.startswith(b"Pss")}
        return sizes[b"Pss:"], sizes.get(b"Pss_Shmem:", 0)
    except (OSError, KeyError):
        pass
    with contextlib.suppress(psutil.Error):
        # macOS knows no proportional size; the unique one leaves out what is shared.
        return process.memory_full_info().uss, 0
    return _resident(process), 0


def _files_in_memory(processes: Sequence[psutil.Process]) -> int:
    """Bytes of the files that memfd_create made and that processes hold open, each file once."""
    found: dict[tuple[int, int], int] = {}
    for process in processes:
        place = f"/proc/{process.pid}/fd"
        with contextlib.suppress(OSError):
            for name in os.listdir(place):  # noqa: PTH208
                with contextlib.suppress(OSError):
                    if os.readlink(f"{place}/{name}").startswith("/memfd:"):  # noqa: PTH115
                        status = os.stat(f"{place}/{name}")  # noqa: PTH116
                        found[status.st_dev, status.st_ino] = status.st_blocks * _BLOCK
    return sum(found.values())


class MemorySamples:
    """What memory each command holds by its last sample: when the machine runs out, the one that holds most ends."""

    def __init__(self) -> None:
        self._lock, self._held = threading.Lock(), dict[int, int]()

    def record(self, pid: int, memory: int) -> None:
        """Keep a sample of the command that `pid` leads."""
        with self._lock:
            self._held[pid] = memory

    def remove(self, pid: int) -> None:
        """The command has ended."""
        with self._lock:
            self._held.pop(pid, None)

    def is_largest(self, pid: int) -> bool:
        """Whether no command holds more than this."""
        with self._lock:
            return self._held.get(pid, 0) >= max(self._held.values(), default=0)
