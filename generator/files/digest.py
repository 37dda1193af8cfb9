"""SHA-256 digests of files, in hexadecimal."""

from __future__ import annotations

import hashlib
from io import BufferedReader
from pathlib import Path


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return sha256_of_open(file)


def sha256_of_open(file: BufferedReader) -> str:
    """Return the SHA-256 of an open file, read from its current position to the end."""
    return hashlib.file_digest(file, "sha256").hexdigest()
