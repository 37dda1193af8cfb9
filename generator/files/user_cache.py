"""The user's cache directory, and atomic writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from generator.errors import InputError
from generator.files.directory import Directory


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file atomically; InputError with the system's reason when that fails."""
    with Directory.open_trusted(path.parent) as directory:
        directory.write(path.name, content)


def cache_directory(environ: Mapping[str, str]) -> Path:
    """Return the directory of sandboxes, fetched repositories and tools, in the user's cache.

    By the XDG rules; on Windows, which sets none of their variables, in the user's local data.
    """
    own = environ.get("HOME") and f"{environ['HOME']}/.cache"
    home = environ.get("XDG_CACHE_HOME") or own or environ.get("LOCALAPPDATA")
    if not home:
        raise InputError("no cache directory is known: set XDG_CACHE_HOME or HOME")
    return Path(home).absolute() / "cratematrix"
