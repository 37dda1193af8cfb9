"""Directories of a repository: paths from its top in POSIX form, "." for the top."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Final

MAX_PATTERNS: Final = 100
"""Most patterns in one list of a repository, because each is compared with each of its files."""


def resolve_path(directory: str, path: str) -> str | None:
    """Resolve a path relative to a directory; None when it leads out of the repository."""
    target = posixpath.normpath(posixpath.join(directory, path))
    return None if target.startswith("/") or target.split("/")[0] == ".." else target


def is_within(path: str, directory: str) -> bool:
    """Return whether a path is equal to a directory or lies in it."""
    return directory == "." or path == directory or path.startswith(directory + "/")


def parent(path: str) -> str:
    """Return the directory that a path lies in; the top is its own parent."""
    return posixpath.dirname(path) or "."


def ancestors(directory: str) -> Iterator[str]:
    """Yield the directories above one, nearest first; an absolute path ends at its root."""
    while (above := parent(directory)) != directory:
        yield above
        directory = above


def expand_pattern(pattern: str, directories: Iterable[str]) -> list[str]:
    """Return the directories that a pattern matches; a pattern without wildcards is returned unchanged.

    Each part of a path is matched with `*`, `?` and `[…]`. `**` matches any number of parts, at the end at least one.
    """
    if not set(pattern) & set("*?["):
        return [pattern]
    parts = pattern_parts(pattern)
    return [each for each in directories if matches(each, parts)]


def pattern_parts(pattern: str) -> tuple[str, ...]:
    """Return the parts of a pattern, for `matches`: a `**` at the end matches at least one part of a path."""
    parts = pattern.split("/")
    return (*parts, "*") if parts[-1] == "**" else tuple(parts)


def matches(path: str, pattern: tuple[str, ...]) -> bool:
    """Return whether the parts of a pattern match a path, in a time that grows with the product of both lengths."""
    parts = [] if path == "." else path.split("/")
    here = at = 0
    resume: tuple[int, int] | None = None  # where to go on when the last ** takes one part more
    while here < len(parts):
        if at < len(pattern) and pattern[at] == "**":
            at += 1
            resume = (here + 1, at)
        elif at < len(pattern) and fnmatchcase(parts[here], pattern[at]):
            here, at = here + 1, at + 1
        elif resume is not None:
            here, at = resume
            resume = (here + 1, at)
        else:
            return False
    return all(each == "**" for each in pattern[at:])
