"""Operations in an open directory: by its descriptor, or by its path where the system has none for directories.

By descriptor no link is ever followed. By path, as on Windows, links and junctions are refused when they are met;
another process that replaces a directory by a link in that moment is not noticed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

# A descriptor, or a path.
Handle = int | str

_HAS_DESCRIPTORS: Final = hasattr(os, "O_DIRECTORY") and os.open in os.supports_dir_fd
# A junction of Windows: a link between directories, which is no symbolic link.
_JUNCTION: Final = 0xA0000003


def _flags(*names: str) -> int:
    """Return the flags that this system has."""
    return sum(getattr(os, name, 0) for name in {*names, "O_CLOEXEC", "O_BINARY"})


_ENTER: Final = _flags("O_DIRECTORY")
_NEW: Final = _flags("O_WRONLY", "O_CREAT", "O_EXCL", "O_NOFOLLOW")
# O_NONBLOCK: opening a named pipe must not wait for its other end.
_READ: Final = _flags("O_NOFOLLOW", "O_NONBLOCK")
_APPEND: Final = _flags("O_WRONLY", "O_APPEND", "O_CREAT", "O_NOFOLLOW", "O_NONBLOCK")


def open_directory(path: Path) -> Handle:
    """Open a directory, following links in its path."""
    if _HAS_DESCRIPTORS:
        return os.open(path, _ENTER)
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    return str(path.resolve())


def enter(folder: Handle, name: str) -> Handle:
    """Open a directory in another; OSError with ENOTDIR or ELOOP for a link or a file."""
    if isinstance(folder, int):
        return os.open(name, _ENTER | os.O_NOFOLLOW, dir_fd=folder)
    path = _join(folder, name)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or getattr(found, "st_reparse_tag", 0) == _JUNCTION:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    return str(path)


def duplicate(folder: Handle) -> Handle:
    """Open the same directory again."""
    return os.dup(folder) if isinstance(folder, int) else folder


def close(folder: Handle) -> None:
    """Close a directory."""
    if isinstance(folder, int):
        os.close(folder)


def status(folder: Handle, name: str) -> os.stat_result:
    """Return the status of a name itself, also of a link."""
    if isinstance(folder, int):
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    return _join(folder, name).lstat()


def open_new(folder: Handle, name: str, mode: int) -> int:
    """Open a new file to write."""
    return _open(folder, name, _NEW, mode)


def open_to_append(folder: Handle, name: str, mode: int) -> int:
    """Open a file, which is created if needed, to append."""
    return _open(folder, name, _APPEND, mode)


def open_to_read(folder: Handle, name: str) -> int:
    """Open a file to read."""
    return _open(folder, name, _READ, 0)


def make_directory(folder: Handle, name: str) -> None:
    """Make a directory."""
    if isinstance(folder, int):
        os.mkdir(name, dir_fd=folder)
    else:
        _join(folder, name).mkdir()


def unlink(folder: Handle, name: str) -> None:
    """Remove a file or a link."""
    if isinstance(folder, int):
        os.unlink(name, dir_fd=folder)
    else:
        _join(folder, name).unlink()


def replace(folder: Handle, name: str, final: str) -> None:
    """Rename a file, and replace a file or link with the other name."""
    if isinstance(folder, int):
        os.replace(name, final, src_dir_fd=folder, dst_dir_fd=folder)
    else:
        _join(folder, name).replace(_join(folder, final))


def link(folder: Handle, name: str, other: str) -> None:
    """Give a file a second name."""
    if isinstance(folder, int):
        os.link(name, other, src_dir_fd=folder, dst_dir_fd=folder)
    else:
        _join(folder, other).hardlink_to(_join(folder, name))


def set_mode(descriptor: int, mode: int) -> None:
    """Set the mode of an open file; Windows before Python 3.13 has none."""
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, mode)


def walk(folder: Handle) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield each directory below, by its path from here, with its directories, which may be sorted, and its files."""
    if isinstance(folder, int):
        yield from ((path, folders, files) for path, folders, files, _ in os.fwalk(".", dir_fd=folder))
    else:
        for path, folders, files in os.walk(folder):
            yield Path(path).relative_to(folder).as_posix(), folders, files


def _open(folder: Handle, name: str, flags: int, mode: int) -> int:
    if isinstance(folder, int):
        return os.open(name, flags, mode, dir_fd=folder)
    path = _join(folder, name)
    if path.is_symlink() and not flags & os.O_EXCL:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return os.open(path, flags, mode)


def _join(folder: str, name: str) -> Path:
    return Path(folder, name)
