"""A directory by its descriptor: what lies below it is written and read without following a symbolic link.

All that is written below a checkout, or where results go, passes through here: what a checkout brings must not say
where that is. tests/test_writing.py sees to it. A name is a path from the directory, with slashes.
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

_ENTER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a named pipe must not wait for somebody at its other end.
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_APPEND: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PIECE: Final = 1024 * 1024

_KINDS: Final = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a directory",
    stat.S_IFREG: "a file",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
}


class Directory:
    """A directory that stays the same one, whatever becomes of its path, which is for messages."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def open_trusted(cls, path: Path, shown: Path | None = None) -> Self:
        """Open a directory of the user's own, made where it is missing, wherever links on the way lead."""
        try:
            path.mkdir(parents=True, exist_ok=True)
            return cls(path if shown is None else shown, os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        except OSError as error:
            raise InputError(f"{path} cannot be used: {error.strerror}") from None

    def subdirectory(self, name: str) -> Self:
        """Open a directory below, made where it is missing; InputError where a link or a file has its name."""
        with self._explained(name, "used"), self._folder(f"{name}/-", make=True) as (folder, _):
            return type(self)(self.path / name, os.dup(folder))

    def __enter__(self) -> Self:
        """Open until the end of a block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        os.close(self._descriptor)

    def check_file(self, name: str) -> None:
        """InputError when anything but a regular file or nothing is at a name, or but directories before it."""
        with self._explained(name, "looked at"), suppress(FileNotFoundError), self._folder(name) as (folder, last):
            mode = os.stat(last, dir_fd=folder, follow_symlinks=False).st_mode
            if not stat.S_ISREG(mode):
                raise _wrong(self.path / name, mode, "a regular file")

    def find_problem(self, name: str) -> str | None:
        """Say what `check` finds wrong, or None."""
        try:
            self.check_file(name)
        except InputError as error:
            return error.message
        return None

    def check_writable(self, name: str) -> None:
        """InputError when no file can be made where this one would lie."""
        with self._explained(name, "written"), self._staged(name):
            pass

    def write(self, name: str, content: bytes) -> None:
        """Write a file beside its place and move it there; InputError when that fails."""
        self.write_all({name: content})

    def write_all(self, contents: Mapping[str, bytes]) -> None:
        """Write files; every one is on the disk in full before the first is put in its place."""
        with ExitStack() as stack:
            staged = {}
            for name, content in contents.items():
                with self._explained(name, "written"):
                    staged[name] = stack.enter_context(self._staged(name))
                    staged[name].file.write(content)
                    staged[name].keep()
            for name, each in staged.items():
                with self._explained(name, "written"):
                    each.move()

    def copy(self, source: Path, name: str) -> None:
        """Copy a file, which may lie on another disk, beside its place and move it there, or InputError."""
        with self._explained(name, "written"), source.open("rb") as content, self._staged(name) as staged:
            shutil.copyfileobj(content, staged.file, _PIECE)
            staged.move()

    def create(self, name: str, content: bytes) -> bool:
        """Write a file whole, or return False where anything has its name; InputError when it cannot be written."""
        with self._explained(name, "written"), self._staged(name) as staged:
            staged.file.write(content)
            staged.keep()
            return staged.link()

    def open_log(self, name: str) -> TextIO:
        """Begin a new log, in the place of an earlier one."""
        with self._explained(name, "written"), self._folder(name, make=True) as (folder, last):
            with suppress(FileNotFoundError):
                os.unlink(last, dir_fd=folder)
            descriptor = os.open(last, _NEW, 0o666, dir_fd=folder)
            return os.fdopen(descriptor, "w", encoding="utf-8", errors="replace")

    def append(self, name: str, text: str) -> None:
        """Add to a log; InputError where that would write into a file of another name too."""
        with self._explained(name, "written"), self._folder(name, make=True) as (folder, last):
            descriptor = os.open(last, _APPEND, 0o666, dir_fd=folder)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
                    raise InputError(f"{self.path / name} is no file of that name alone")
                file.write(text)

    def remove(self, name: str) -> None:
        """Remove a file or a link, if it is there."""
        with self._explained(name, "removed"), suppress(FileNotFoundError), self._folder(name) as (folder, last):
            os.unlink(last, dir_fd=folder)

    def open(self, name: str) -> BufferedReader:
        """Open a regular file to read; InputError when it is anything else, OSError when it cannot be opened."""
        with self._folder(name) as (folder, last):
            try:
                descriptor = os.open(last, _READ, dir_fd=folder)
            except OSError:
                self.check_file(name)
                raise
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISREG(mode):
            return os.fdopen(descriptor, "rb")
        os.close(descriptor)
        raise _wrong(self.path / name, mode, "a regular file")

    def read(self, name: str, limit: int) -> bytes | None:
        """Return what is in a file of at most so many bytes, None where there is none; InputError otherwise."""
        with self._explained(name, "read"):
            try:
                with self.open(name) as file:
                    content = file.read(limit + 1)
            except FileNotFoundError:
                return None
        if len(content) > limit:
            raise InputError(f"{self.path / name} is larger than {limit / 2**20:g} MiB")
        return content

    def list_names(self, folder: str) -> tuple[str, ...]:
        """Return the names of all that lies in a directory below, sorted; none where it is missing."""
        with self._explained(folder, "read"), suppress(FileNotFoundError), self._folder(f"{folder}/-") as (inner, _):
            return tuple(sorted(entry.name for entry in os.scandir(inner)))
        return ()

    def walk_files(self) -> Iterator[str]:
        """Yield the name of everything below that is no directory, sorted in each; no link is followed."""
        for folder, folders, files, _ in os.fwalk(".", dir_fd=self._descriptor):
            folders.sort()
            yield from (posixpath.normpath(posixpath.join(folder, name)) for name in sorted(files))

    @contextmanager
    def _folder(self, name: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """Open the directory that a name lies in, and give it with the name's last part."""
        *folders, last = PurePosixPath(name).parts
        if name.startswith("/") or ".." in (*folders, last):
            raise InputError(f"{name} leads out of {self.path}")
        with ExitStack() as stack:
            descriptor, place = self._descriptor, self.path
            for folder in folders:
                place /= folder
                descriptor = _entered(descriptor, folder, place, make=make)
                stack.callback(os.close, descriptor)
            yield descriptor, last

    @contextmanager
    def _staged(self, name: str) -> Iterator[_Staged]:
        """Open a new file beside a file's place, with that file's mode; gone again unless it was moved there."""
        with self._folder(name, make=True) as (folder, last):
            partial = f".{last}.{secrets.token_hex(4)}.tmp"
            descriptor = os.open(partial, _NEW, 0o600, dir_fd=folder)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    os.fchmod(descriptor, _mode(folder, last))
                    yield _Staged(file, folder, partial, last)
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(partial, dir_fd=folder)

    @contextmanager
    def _explained(self, name: str, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(f"{self.path / name} cannot be {done}: {error.strerror}") from None


@dataclass(frozen=True)
class _Staged:
    """A new file with a name of its own in the directory where it is to have another."""

    file: BinaryIO
    folder: int
    partial: str
    last: str

    def keep(self) -> None:
        """See that all of it is on the disk."""
        self.file.flush()
        os.fsync(self.file.fileno())

    def move(self) -> None:
        """Put it in the place of whatever file or link has the other name."""
        self.file.flush()
        os.replace(self.partial, self.last, src_dir_fd=self.folder, dst_dir_fd=self.folder)

    def link(self) -> bool:
        """Give it the other name, or return False where that is taken."""
        try:
            os.link(self.partial, self.last, src_dir_fd=self.folder, dst_dir_fd=self.folder)
        except FileExistsError:
            return False
        return True


def _entered(folder: int, name: str, place: Path, *, make: bool) -> int:
    """Open a directory in another; InputError where a link or a file has its name."""
    try:
        with suppress(FileNotFoundError):
            return os.open(name, _ENTER, dir_fd=folder)
        if make:
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=folder)
        return os.open(name, _ENTER, dir_fd=folder)
    except OSError as error:
        if error.errno not in (errno.ENOTDIR, errno.ELOOP):
            raise
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        raise _wrong(place, mode, "a directory") from None


def _wrong(place: Path, mode: int, wanted: str) -> InputError:
    kind = _KINDS.get(stat.S_IFMT(mode), "a device")
    return InputError(f"{place} is {kind}, and not {wanted}", fix=f"rm -r {shlex.quote(str(place))}")


def _mode(folder: int, name: str) -> int:
    """Return the mode of a file, or what a new one gets."""
    with suppress(FileNotFoundError):
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISREG(status.st_mode):
            return stat.S_IMODE(status.st_mode) & 0o777
    return 0o644
