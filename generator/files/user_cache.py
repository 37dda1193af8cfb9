"""The user's own files: where they lie, and writing them so that nobody ever sees half of one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from generator.errors import InputError
from generator.files.directory import Directory


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file beside its place and move it there; InputError with the system's reason when that fails."""
    with Directory.open_trusted(path.parent) as directory:
        directory.write(path.name, content)


def cache_directory(environ: Mapping[str, str]) -> Path:
    """Return where sandboxes, fetched repositories and tools are kept: the user's cache, by the XDG rules."""
    home = environ.get("XDG_CACHE_HOME") or (environ.get("HOME") and f"{environ['HOME']}/.cache")
    if not home:
        raise InputError("there is no place for sandboxes: neither XDG_CACHE_HOME nor HOME is set")
    return Path(home).absolute() / "cratematrix"
