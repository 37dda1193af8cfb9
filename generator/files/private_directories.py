"""Private directories of sandboxes on the host: each locked by its owner, and removed by whoever finds it dead."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.errors import CratematrixError, InputError
from generator.processes import run

REMOVAL_SECONDS: Final = 600
_OWNER: Final = "owner"


@dataclass(frozen=True)
class PrivateDirectory:
    """A directory that only this process uses, for as long as it holds the lock `owner`."""

    path: Path
    owner: int

    def remove(self, *, wait: bool = True) -> None:
        """Remove it, or let a process of its own do so; what is left over is for `claim` to find. Gives up the lock."""
        if wait:
            _remove(self.path)
        else:
            # The shell leaves rm behind and ends at once.
            quiet, words = subprocess.DEVNULL, ["sh", "-c", 'rm -rf -- "$0" &', str(self.path)]
            subprocess.call(words, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
        os.close(self.owner)


def claim(parent: Path, name: str) -> PrivateDirectory:
    """Make a directory below `parent`, and remove those whose owner has died; InputError where none can be made."""
    try:
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(parent):
            dead = _dead(parent)
            path = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
            owner = _lock(path, os.O_CREAT)
    except OSError as error:
        raise InputError(f"no sandbox can be made in {parent}: {error.strerror}") from None
    for leftover in dead:
        leftover.remove()
    if owner is None:
        raise InputError(f"no sandbox can be made in {parent}: its file system cannot lock files")
    return PrivateDirectory(path, owner)


@contextlib.contextmanager
def _alone(parent: Path) -> Iterator[None]:
    """Keep other runners out, so that none takes a directory for dead before its owner could lock it."""
    descriptor = os.open(parent / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _dead(parent: Path) -> list[PrivateDirectory]:
    """Lock, and so take over, every directory that nobody holds; one without an owner's file is not a sandbox's."""
    taken = ((path, _lock(path)) for path in sorted(parent.iterdir()) if path.is_dir() and not path.is_symlink())
    return [PrivateDirectory(path, owner) for path, owner in taken if owner is not None]


def _lock(path: Path, flags: int = 0) -> int | None:
    try:
        descriptor = os.open(path / _OWNER, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | flags, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _remove(path: Path) -> None:
    """Remove a tree that may be deep beyond any path's length, huge, or closed to its owner: rm can, shutil cannot."""
    with contextlib.suppress(CratematrixError):
        if run(["rm", "-rf", "--", str(path)], timeout=REMOVAL_SECONDS).exit_code != 0:
            run(["chmod", "-R", "u+rwX", "--", str(path)], timeout=REMOVAL_SECONDS)
            run(["rm", "-rf", "--", str(path)], timeout=REMOVAL_SECONDS)
