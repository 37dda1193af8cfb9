"""The manifest of a directory: found there or in a directory above, up to the top of the repository."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

NAMES: Final = ("crates.json", "crates.yaml", "crates.yml")


def find_manifest(start: Path | None = None) -> Path:
    """Return the nearest manifest as a path relative to `start`, or its name in `start` if there is none.

    `start` is the current directory by default. crates.json comes before crates.yaml in the same directory.
    """
    for up, directory in enumerate(_searched((start or Path()).resolve())):
        for name in NAMES:
            if (directory / name).is_file():
                return Path(*[".."] * up, name)
    return Path(NAMES[0])


def default_output() -> Path:
    """Return the directory `dist` beside the nearest manifest."""
    return find_manifest().parent / "dist"


def _searched(start: Path) -> Iterator[Path]:
    """Yield a directory and those above it, up to the top of its repository.

    A directory of another user, or one that everybody may write to, is not searched: its manifest may be a stranger's.
    """
    yield start
    here = start
    while not os.path.lexists(here / ".git") and here != here.parent:
        here = here.parent
        if not _is_private(here, start):
            return
        yield here


def _is_private(directory: Path, start: Path) -> bool:
    """Return whether a directory has the owner of `start`, and only known users can write to it."""
    found = directory.stat()
    # Windows has no such modes: each directory has all bits there.
    return found.st_uid == start.stat().st_uid and (os.name == "nt" or not found.st_mode & stat.S_IWOTH)
