"""The files that came out of a sandbox, as they lie on the host: regular files only, already bounded."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from generator.errors import Unbuildable
from generator.packages.tarball import PackedFile

# npm publishes them whatever `files` says: its documentation of package.json, files
DOCUMENT_FILE: Final = re.compile(r"(README|LICEN[CS]E|COPYING|NOTICE)[^/]*", re.IGNORECASE)
# By such names scanners of files know the list of parts:
# https://cyclonedx.org/specification/overview/#recognized-file-patterns
SBOM_FILE: Final = "sbom.cdx.json"


def list_staged(staged: Path) -> tuple[PackedFile, ...]:
    """Return every staged file under its own path, sorted; the executable bit is kept."""
    return tuple(
        PackedFile(path.relative_to(staged).as_posix(), path, executable=bool(path.stat().st_mode & 0o100))
        for path in sorted(staged.rglob("*"))
        if path.is_file()
    )


def check_staged(files: tuple[PackedFile, ...], own: re.Pattern[str], made_by: str) -> None:
    """Unbuildable names a file that is none of the package's own, its documents and the list of its parts."""
    for file in files:
        if file.path != SBOM_FILE and not DOCUMENT_FILE.fullmatch(file.path) and not own.fullmatch(file.path):
            raise Unbuildable(f"{made_by} makes no {file.path}: let nothing else of the build write to the package")
