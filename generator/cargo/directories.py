"""Directories of a repository: paths from its top in POSIX form, "." for the top."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cache


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
    return [each for each in directories if matches(each, pattern)] if set(pattern) & set("*?[") else [pattern]


def matches(path: str, pattern: str) -> bool:
    """Return whether a pattern matches a path, part by part as in `expand_pattern`."""
    parts = pattern.split("/")
    pattern_parts = tuple(
        part for part, before in zip(parts, ["", *parts], strict=False) if (part, before) != ("**", "**")
    )
    return _matches(() if path == "." else tuple(path.split("/")), pattern_parts)


def _matches(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    @cache
    def matches_from(part: int, at: int) -> bool:
        if at == len(pattern):
            return part == len(parts)
        if part == len(parts):
            return False
        if pattern[at] == "**":
            return at == len(pattern) - 1 or matches_from(part, at + 1) or matches_from(part + 1, at)
        return fnmatchcase(parts[part], pattern[at]) and matches_from(part + 1, at + 1)

    return matches_from(0, 0)
