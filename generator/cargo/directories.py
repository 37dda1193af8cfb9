"""Directories of a repository: paths from its top in POSIX form, "." for the top."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cache


def resolve_path(directory: str, path: str) -> str | None:
    """A path from a directory as a path from the top, or None when it leads out of the repository."""
    target = posixpath.normpath(posixpath.join(directory, path))
    return None if target.startswith("/") or target.split("/")[0] == ".." else target


def is_within(path: str, directory: str) -> bool:
    """Whether a path is a directory or lies in it."""
    return directory == "." or path == directory or path.startswith(directory + "/")


def parent(path: str) -> str:
    """The directory that a path lies in; the top is its own parent."""
    return posixpath.dirname(path) or "."


def ancestors(directory: str) -> Iterator[str]:
    """The directories above one, nearest first; of an absolute path they end at its root."""
    while (above := parent(directory)) != directory:
        yield above
        directory = above


def expand_pattern(pattern: str, directories: Iterable[str]) -> list[str]:
    """Those of some directories that a pattern matches; one without wildcards stands for itself, there or not.

    Each part is matched by itself, with `*`, `?` and `[…]`; `**` is any number of parts, at the end at least one.
    """
    if not set(pattern) & set("*?["):
        return [pattern]
    parts = pattern.split("/")
    wanted = tuple(part for part, before in zip(parts, ["", *parts], strict=False) if (part, before) != ("**", "**"))
    return [each for each in directories if _matches(() if each == "." else tuple(each.split("/")), wanted)]


def _matches(parts: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    @cache
    def rest(part: int, want: int) -> bool:
        if want == len(wanted):
            return part == len(parts)
        if part == len(parts):
            return False
        if wanted[want] == "**":
            return want == len(wanted) - 1 or rest(part, want + 1) or rest(part + 1, want)
        return fnmatchcase(parts[part], wanted[want]) and rest(part + 1, want + 1)

    return rest(0, 0)
