"""The files of a repository: the protocol of all kinds of trees, and the tree of a checkout."""

from __future__ import annotations

import os
import posixpath
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

from generator.errors import InputError
from generator.git import git_output
from generator.text import message_text, shell_word

MAX_FILE: Final = 64 * 1024 * 1024
EXCLUDED_DIRECTORIES: Final = frozenset({".git", "target", "node_modules", ".venv", "__pycache__"})

EntryKind = Literal["file", "executable", "link", "submodule"]

# The mode of a submodule in git's index and trees.
SUBMODULE_MODE: Final = 0o160000


class NotCheckedOut(InputError):
    """A sparse checkout lacks a file."""

    def __init__(self, path: str) -> None:
        directory = posixpath.dirname(path) or path
        super().__init__(
            f"{message_text(path)} is not checked out", fix=f"git sparse-checkout add {shell_word(directory)}"
        )


class NotTracked(InputError):
    """Git does not track a file, so that it is no source."""


@dataclass(frozen=True)
class Entry:
    """One file: its path relative to the repository's top in POSIX form, its kind, and its size in bytes.

    A submodule is an entry without files.
    """

    path: str
    kind: EntryKind
    size: int


class Tree(Protocol):
    """The files of a repository."""

    def entries(self) -> tuple[Entry, ...]:
        """Return every file and submodule, sorted by path."""

    def read(self, path: str) -> bytes:
        """Return the bytes of a file, or a link's target; raise InputError above `MAX_FILE` bytes."""

    def close(self) -> None:
        """Release the resources of the tree."""


class CheckoutTree:
    """The files of a working tree: those that git tracks, or all but build output without git.

    Files below `out`, the output directory, are neither sources nor listed as untracked.
    """

    def __init__(self, top: Path, out: Path | None = None, stop: threading.Event | None = None) -> None:
        self.top = top
        self._stop = stop
        self._resolved_top = top.resolve()
        self._out = _below(self._resolved_top, out)
        self._tracked = (top / ".git").exists()
        self._not_checked_out: frozenset[str] = frozenset()

    def entries(self) -> tuple[Entry, ...]:
        """Return every file of the working tree, also what a sparse checkout lacks, and every submodule."""
        found = self._from_git() if self._tracked else [self._entry(path) for path in self._from_walk()]
        return tuple(sorted((entry for entry in found if entry), key=lambda entry: entry.path))

    def read(self, path: str) -> bytes:
        """Return a file's bytes, or a link's target."""
        full = self.top / path
        if path in self._not_checked_out:
            raise NotCheckedOut(path)
        try:
            if full.is_symlink():
                return os.fsencode(full.readlink())
            if full.stat().st_size > MAX_FILE:
                raise InputError(
                    f"{message_text(path)} is larger than {MAX_FILE // 2**20} MiB",
                    fix=f"git rm --cached {shell_word(path)}",
                )
            return full.read_bytes()
        except OSError as error:
            raise InputError(f"{message_text(path)} cannot be read: {error.strerror}") from None

    def has(self, path: str) -> bool:
        """Return whether a checkout of git has something at a path, tracked or not, outside of git's own directory."""
        full = self.top / path
        try:
            inside = ".git" not in path.split("/") and full.parent.resolve().is_relative_to(self._resolved_top)
        except (OSError, RuntimeError, ValueError):  # a link to itself, before Python 3.13, or a null byte
            return False
        return self._tracked and inside and os.path.lexists(full)

    def close(self) -> None:
        """Do nothing: a checkout holds no resources."""

    def untracked(self, directory: str) -> tuple[str, ...]:
        """Return the files below a directory that git neither tracks nor ignores; they are not part of the source."""
        if not self._tracked:
            return ()
        pathspecs = [f":(literal){directory}", *[f":(literal,exclude){self._out}"] * (self._out is not None)]
        return tuple(self._listed("--others", "--exclude-standard", "--", *pathspecs))

    def _from_git(self) -> list[Entry | None]:
        """Return the entries of git's index."""
        index = {path: (tag, int(mode, 8)) for tag, mode, path in map(_index_line, self._listed("--stage", "-t"))}
        absent = {
            path: mode for path, (tag, mode) in index.items() if tag == "S" and not os.path.lexists(self.top / path)
        }
        self._not_checked_out = frozenset(absent)
        return [
            Entry(path, kind_of_mode(mode), 0) if path in absent or mode == SUBMODULE_MODE else self._entry(path)
            for path, (_, mode) in index.items()
        ]

    def _listed(self, *arguments: str) -> list[str]:
        listed = git_output(["ls-files", "-z", *arguments], timeout=60, cwd=self.top, stop=self._stop)
        return [os.fsdecode(path) for path in listed.split(b"\0")[:-1]]

    def _from_walk(self) -> Iterator[str]:
        for directory, folders, files in os.walk(self.top):
            here = Path(directory).relative_to(self.top)
            folders[:] = [
                name for name in folders if name not in EXCLUDED_DIRECTORIES and (here / name).as_posix() != self._out
            ]
            yield from ((here / name).as_posix() for name in files)

    def _entry(self, path: str) -> Entry | None:
        full = self.top / path
        if not full.parent.resolve().is_relative_to(self._resolved_top):
            raise InputError(f"{message_text(path)} lies behind a link that leads out of the repository")
        if full.is_symlink():
            return Entry(path, "link", 0)
        if not full.is_file():
            return None  # deleted but still tracked
        found = full.stat()
        return Entry(path, "executable" if found.st_mode & 0o100 else "file", found.st_size)


def kind_of_mode(mode: int) -> EntryKind:
    """Return the kind of an entry by its mode in git."""
    if mode == SUBMODULE_MODE:
        return "submodule"
    if stat.S_ISLNK(mode):
        return "link"
    return "executable" if mode & 0o100 else "file"


def _index_line(line: str) -> tuple[str, str, str]:
    """Return tag, mode and path of a line of `git ls-files --stage -t`: TAG MODE OBJECT STAGE, a tab, and the path."""
    head, _, path = line.partition("\t")
    tag, mode, *_ = head.split(" ")
    return tag, mode, path


def _below(top: Path, out: Path | None) -> str | None:
    """Return a directory's path relative to the top; None when it is the top, or lies outside."""
    resolved = out.resolve() if out is not None else top
    return resolved.relative_to(top).as_posix() if top in resolved.parents else None
