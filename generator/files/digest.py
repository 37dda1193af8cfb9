"""SHA-256 digests of files, in hexadecimal."""

from __future__ import annotations

import hashlib
from io import BufferedReader
from pathlib import Path

from generator.errors import InputError
from generator.files.directory import Directory


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return sha256_of_open(file)


def sha256_of_open(file: BufferedReader) -> str:
    """Return the SHA-256 of an open file, read from its current position to the end."""
    return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_below(directory: Directory, name: str) -> str | None:
    """Return the SHA-256 of a regular file below a directory, or None if it does not exist."""
    try:
        with directory.open(name) as file:
            return sha256_of_open(file)
    except (OSError, InputError):
        return None
