"""Private directories on the host: each is locked by its owner, and removed by any later run once the owner is dead."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock

from generator.errors import CratematrixError, InputError
from generator.processes import run

REMOVAL_SECONDS: Final = 600
# Not on Windows.
_HAS_RM: Final = os.name == "posix"
_LOCK_FILE: Final = "owner"
_PARENT_LOCK_FILE: Final = ".lock"
# Seconds between two attempts to lock the parent directory: thirty sandboxes may be created at once.
_POLL_SECONDS: Final = 0.01


@dataclass(frozen=True)
class PrivateDirectory:
    """Directory that only this process uses while it holds the file lock."""

    path: Path
    lock: FileLock

    def remove(self, *, wait: bool = True) -> None:
        """Remove the directory, or let a background process do it, and release the lock.

        Files that cannot be removed now are removed by a later run.
        """
        if wait or not _HAS_RM:
            _remove(self.path)
        else:
            # The shell starts rm in the background and ends at once.
            quiet, argv = subprocess.DEVNULL, ["sh", "-c", 'rm -rf -- "$0" &', str(self.path)]
            subprocess.call(argv, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
        self.lock.release()


def create_private_directory(parent: Path, name: str) -> PrivateDirectory:
    """Create a directory below `parent` and remove those of dead owners; InputError when that is impossible."""
    try:
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The parent's lock keeps other runs from removing a directory that its owner has not locked yet.
        with _file_lock(parent / _PARENT_LOCK_FILE):
            orphans = _lock_orphans(parent)
            path = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
            lock = _file_lock(path / _LOCK_FILE)
            lock.acquire()
    except OSError as error:
        raise InputError(f"no sandbox can be made in {parent}: {error.strerror}") from None
    for orphan in orphans:
        orphan.remove()
    return PrivateDirectory(path, lock)


def _lock_orphans(parent: Path) -> list[PrivateDirectory]:
    """Lock and return every directory of a dead owner; directories without a lock file belong to something else."""
    orphans = []
    for path in sorted(parent.iterdir()):
        if path.is_dir() and not path.is_symlink() and (path / _LOCK_FILE).is_file():
            lock = _file_lock(path / _LOCK_FILE)
            # The owner lives (filelock's Timeout is an OSError), or another run removes the directory at this moment.
            with contextlib.suppress(OSError):
                lock.acquire(blocking=False)
                orphans.append(PrivateDirectory(path, lock))
    return orphans


def _file_lock(path: Path) -> FileLock:
    """Return a lock that any thread may release and that ends with the process; no fallback to lock files."""
    return FileLock(path, mode=0o600, thread_local=False, poll_interval=_POLL_SECONDS, fallback_to_soft=False)


def _remove(path: Path) -> None:
    """Remove a tree with rm, which copes with unreadable directories and paths of any length; shutil does not."""
    if not _HAS_RM:
        shutil.rmtree(path, ignore_errors=True)
        return
    with contextlib.suppress(CratematrixError):
        if run(["rm", "-rf", "--", str(path)], timeout=REMOVAL_SECONDS).exit_code != 0:
            run(["chmod", "-R", "u+rwX", "--", str(path)], timeout=REMOVAL_SECONDS)
            run(["rm", "-rf", "--", str(path)], timeout=REMOVAL_SECONDS)
