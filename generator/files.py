"""Where files lie, and writing them so that a reader, or a killed process, never leaves half of one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from generator.errors import InputError


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file beside its place and move it there; InputError with the system's reason when that fails."""
    _atomically(path, lambda file: file.write(content))


def copy_atomically(source: Path, path: Path) -> None:
    """Copy a file, which may lie on another disk, beside its place and move it there; InputError when that fails."""
    with source.open("rb") as content:
        _atomically(path, lambda file: shutil.copyfileobj(content, file, 1024 * 1024))


def write_once(path: Path, content: bytes) -> bool:
    """Write a file whole, or return False where there is one already; InputError when it cannot be written."""
    if os.path.lexists(path):
        return False
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            whole = Path(folder) / path.name
            write_atomically(whole, content)
            # Unlike a rename, a hard link fails where the name is taken.
            os.link(whole, path)
    except FileExistsError:
        return False
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None
    return True


def _atomically(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        partial = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                fill(file)
            partial.chmod(0o644)
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None


def cache_directory(environ: Mapping[str, str]) -> Path:
    """Return where sandboxes, fetched repositories and tools are kept: the user's cache, by the XDG rules."""
    home = environ.get("XDG_CACHE_HOME") or (environ.get("HOME") and f"{environ['HOME']}/.cache")
    if not home:
        raise InputError("there is no place for sandboxes: neither XDG_CACHE_HOME nor HOME is set")
    return Path(home).absolute() / "cratematrix"
