"""Copy of one file out of a directory with hostile contents."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath
from typing import Final

from generator.sandboxes.contract import FileMissing, SandboxError

CHUNK_BYTES: Final = 1024 * 1024


def copy_out(root: Path, relative: PurePosixPath, destination: Path, max_bytes: int) -> None:
    """Copy a regular file below `root` to `destination`.

    No link is followed in any component of the path. At most `max_bytes` are copied, even when the file grows
    meanwhile. SandboxError, without a destination file, when the source is missing, of another kind or larger.
    """
    try:
        source = _open_below(root, relative)
    except OSError as error:
        raise FileMissing(f"{relative} cannot be copied out of the sandbox: {error.strerror}") from None
    try:
        _check(source, relative, max_bytes)
        _copy(source, relative, destination, max_bytes)
    except BaseException:
        destination.unlink(missing_ok=True)
        raise
    finally:
        os.close(source)


def _open_below(root: Path, relative: PurePosixPath) -> int:
    directory = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for name in relative.parts[:-1]:
        try:
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
        finally:
            os.close(directory)
        directory = inner
    try:  # O_NONBLOCK: opening a named pipe must not wait for a writer
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(relative.name, flags, dir_fd=directory)
    finally:
        os.close(directory)


def _check(source: int, relative: PurePosixPath, max_bytes: int) -> None:
    status = os.fstat(source)
    if not stat.S_ISREG(status.st_mode):
        raise FileMissing(f"{relative} is not a regular file")
    if status.st_size > max_bytes:
        raise _too_large(relative, max_bytes)


def _copy(source: int, relative: PurePosixPath, destination: Path, max_bytes: int) -> None:
    remaining = max_bytes
    with destination.open("wb") as target:
        while chunk := os.read(source, CHUNK_BYTES):
            remaining -= len(chunk)
            if remaining < 0:
                raise _too_large(relative, max_bytes)
            target.write(chunk)


def _too_large(relative: PurePosixPath, max_bytes: int) -> SandboxError:
    return SandboxError(f"{relative} is larger than {max_bytes} bytes", "permanent")
