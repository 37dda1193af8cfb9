"""An open directory; files below it are read and written without following symbolic links.

All files in a checkout and in an output directory are written here, so a link in a checkout cannot redirect a write;
tests/test_writing.py checks this. A name is a path relative to the directory, with slashes.
"""

from __future__ import annotations

import errno
import os
import posixpath
import secrets
import shlex
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import BinaryIO, Final, Self, TextIO

from generator.errors import InputError
from generator.files import at

_CHUNK: Final = 1024 * 1024

_KINDS: Final = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a directory",
    stat.S_IFREG: "a file",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
}


class Directory:
    """An open directory; a rename of its path does not change it. The path is only for messages."""

    def __init__(self, path: Path, handle: at.Handle) -> None:
        self.path = path
        self._handle = handle

    @classmethod
    def open_trusted(cls, path: Path, shown: Path | None = None) -> Self:
        """Open a directory of the user, following links in its path; create it if needed."""
        try:
            path.mkdir(parents=True, exist_ok=True)
            return cls(path if shown is None else shown, at.open_directory(path))
        except OSError as error:
            raise InputError(f"{path} cannot be used: {error.strerror}") from None

    def subdirectory(self, name: str) -> Self:
        """Open a directory below, created if needed; InputError when its name is a link or a file."""
        with self._os_errors(name, "used"), self._folder(f"{name}/-", make=True) as (folder, _):
            return type(self)(self.path / name, at.duplicate(folder))

    def __enter__(self) -> Self:
        """Return the directory, which is closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the directory."""
        at.close(self._handle)

    def check_file(self, name: str) -> None:
        """InputError unless the name is free or a regular file, and its path has only directories."""
        with self._os_errors(name, "checked"), suppress(FileNotFoundError), self._folder(name) as (folder, last):
            mode = at.status(folder, last).st_mode
            if not stat.S_ISREG(mode):
                raise _wrong_type(self.path / name, mode, "a regular file")

    def find_problem(self, name: str) -> str | None:
        """Return the error of `check_file`, or None."""
        try:
            self.check_file(name)
        except InputError as error:
            return error.message
        return None

    def check_writable(self, name: str) -> None:
        """InputError when no file of this name can be created."""
        with self._os_errors(name, "written"), self._staged(name):
            pass

    def write(self, name: str, content: bytes) -> None:
        """Write a file atomically; InputError when that fails."""
        self.write_all({name: content})

    def write_all(self, contents: Mapping[str, bytes]) -> None:
        """Write files; all are complete on the disk before the first one is moved into place."""
        with ExitStack() as stack:
            staged = {}
            for name, content in contents.items():
                with self._os_errors(name, "written"):
                    staged[name] = stack.enter_context(self._staged(name))
                    staged[name].file.write(content)
                    staged[name].sync()
            for name, each in staged.items():
                with self._os_errors(name, "written"):
                    each.move()

    def copy(self, source: Path, name: str) -> None:
        """Copy a file atomically, also from another disk; InputError when that fails."""
        with self._os_errors(name, "written"), source.open("rb") as content, self._staged(name) as staged:
            shutil.copyfileobj(content, staged.file, _CHUNK)
            staged.move()

    @contextmanager
    def replacing(self, name: str) -> Iterator[BinaryIO]:
        """Yield a new file, which gets its name at the end of the block and disappears after an exception."""
        with self._os_errors(name, "written"), self._staged(name) as staged:
            yield staged.file
            staged.move()

    def create(self, name: str, content: bytes) -> bool:
        """Write a new file atomically; return False when the name exists, InputError when it cannot be written."""
        with self._os_errors(name, "written"), self._staged(name) as staged:
            staged.file.write(content)
            staged.sync()
            return staged.link()

    def open_log(self, name: str) -> TextIO:
        """Open a new log file, which replaces an earlier one."""
        with self._os_errors(name, "written"), self._folder(name, make=True) as (folder, last):
            with suppress(FileNotFoundError):
                at.unlink(folder, last)
            descriptor = at.open_new(folder, last, 0o666)
            return os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="\n")

    def append(self, name: str, text: str) -> None:
        """Append to a file; InputError when the file has a second hard link."""
        with self._os_errors(name, "written"), self._folder(name, make=True) as (folder, last):
            descriptor = at.open_to_append(folder, last, 0o666)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="\n") as file:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
                    raise InputError(f"{self.path / name} is not a regular file with one hard link")
                file.write(text)

    def remove(self, name: str) -> None:
        """Remove a file or a link, if it exists."""
        with self._os_errors(name, "removed"), suppress(FileNotFoundError), self._folder(name) as (folder, last):
            at.unlink(folder, last)

    def open(self, name: str) -> BufferedReader:
        """Open a regular file to read; InputError for another type, OSError when it cannot be opened."""
        with self._folder(name) as (folder, last):
            try:
                descriptor = at.open_to_read(folder, last)
            except OSError:
                self.check_file(name)
                raise
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISREG(mode):
            return os.fdopen(descriptor, "rb")
        os.close(descriptor)
        raise _wrong_type(self.path / name, mode, "a regular file")

    def read(self, name: str, limit: int) -> bytes | None:
        """Return the content of a file of at most `limit` bytes, or None without a file; InputError otherwise."""
        with self._os_errors(name, "read"):
            try:
                with self.open(name) as file:
                    content = file.read(limit + 1)
            except FileNotFoundError:
                return None
        if len(content) > limit:
            raise InputError(f"{self.path / name} is larger than {limit / 2**20:g} MiB")
        return content

    def list_names(self, folder: str) -> tuple[str, ...]:
        """Return the sorted names in a directory below; empty without one."""
        with self._os_errors(folder, "read"), suppress(FileNotFoundError), self._folder(f"{folder}/-") as (inner, _):
            return tuple(sorted(entry.name for entry in os.scandir(inner)))
        return ()

    def walk_files(self) -> Iterator[str]:
        """Yield the names of all files and links below, sorted in each directory; links are not followed."""
        for folder, folders, files in at.walk(self._handle):
            folders.sort()
            yield from (posixpath.normpath(posixpath.join(folder, name)) for name in sorted(files))

    @contextmanager
    def _folder(self, name: str, *, make: bool = False) -> Iterator[tuple[at.Handle, str]]:
        """Yield the open directory that contains a name, and the last part of the name."""
        *folders, last = PurePosixPath(name).parts
        if name.startswith("/") or ".." in (*folders, last):
            raise InputError(f"{name} leads out of {self.path}")
        with ExitStack() as stack:
            handle, path = self._handle, self.path
            for folder in folders:
                path /= folder
                handle = _open_below(handle, folder, path, make=make)
                stack.callback(at.close, handle)
            yield handle, last

    @contextmanager
    def _staged(self, name: str) -> Iterator[_Staged]:
        """Yield a new file beside the named one, with its mode; it is removed unless it is moved."""
        with self._folder(name, make=True) as (folder, last):
            partial = f".{last}.{secrets.token_hex(4)}.tmp"
            descriptor = at.open_new(folder, partial, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    at.set_mode(descriptor, _mode(folder, last))
                    yield _Staged(file, folder, partial, last)
            finally:
                with suppress(FileNotFoundError):
                    at.unlink(folder, partial)

    @contextmanager
    def _os_errors(self, name: str, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(f"{self.path / name} cannot be {done}: {error.strerror}") from None


@dataclass(frozen=True)
class _Staged:
    """A new file under a temporary name in its final directory."""

    file: BinaryIO
    folder: at.Handle
    partial: str
    last: str

    def sync(self) -> None:
        """Write its content to the disk."""
        self.file.flush()
        os.fsync(self.file.fileno())

    def move(self) -> None:
        """Move it to its final name, and replace a file or link there."""
        self.file.close()  # Windows moves no open file
        at.replace(self.folder, self.partial, self.last)

    def link(self) -> bool:
        """Link it to its final name, or return False when that exists."""
        try:
            at.link(self.folder, self.partial, self.last)
        except FileExistsError:
            return False
        return True


def _open_below(folder: at.Handle, name: str, path: Path, *, make: bool) -> at.Handle:
    """Open a directory in another; InputError when its name is a link or a file."""
    try:
        with suppress(FileNotFoundError):
            return at.enter(folder, name)
        if make:
            with suppress(FileExistsError):
                at.make_directory(folder, name)
        return at.enter(folder, name)
    except OSError as error:
        if error.errno not in (errno.ENOTDIR, errno.ELOOP):
            raise
        mode = at.status(folder, name).st_mode
        raise _wrong_type(path, mode, "a directory") from None


def _wrong_type(path: Path, mode: int, expected: str) -> InputError:
    kind = _KINDS.get(stat.S_IFMT(mode), "a device")
    return InputError(f"{path} is {kind}, and not {expected}", fix=f"rm -r {shlex.quote(str(path))}")


def _mode(folder: at.Handle, name: str) -> int:
    """Return the mode of a file, or the default of a new one."""
    with suppress(FileNotFoundError):
        status = at.status(folder, name)
        if stat.S_ISREG(status.st_mode):
            return stat.S_IMODE(status.st_mode) & 0o777
    return 0o644
