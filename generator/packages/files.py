"""The staged files of a package: regular files on the host whose sizes are already checked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from generator.cargo.packaging import DOCUMENT_FILE
from generator.errors import Unbuildable
from generator.packages.tarball import PackedFile

# Scanners recognise an SBOM by such a name:
# https://cyclonedx.org/specification/overview/#recognized-file-patterns
SBOM_FILE: Final = "sbom.cdx.json"


def list_staged(staged: Path) -> tuple[PackedFile, ...]:
    """Return every staged file with its path, sorted; the executable bit is kept."""
    return tuple(
        PackedFile(path.relative_to(staged).as_posix(), path, executable=bool(path.stat().st_mode & 0o100))
        for path in sorted(staged.rglob("*"))
        if path.is_file()
    )


def check_staged(files: tuple[PackedFile, ...], expected: re.Pattern[str], made_by: str) -> None:
    """Raise Unbuildable for a file that is neither expected nor a document nor the SBOM."""
    for file in files:
        if file.path != SBOM_FILE and not DOCUMENT_FILE.fullmatch(file.path) and not expected.fullmatch(file.path):
            raise Unbuildable(f"{made_by} does not create {file.path}: no other build step may write to the package")
