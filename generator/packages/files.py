"""The files that came out of a sandbox, as they lie on the host: regular files only, already bounded."""

from __future__ import annotations

from pathlib import Path

from generator.packages.tarball import PackedFile


def packed_files(staged: Path) -> tuple[PackedFile, ...]:
    """Return every staged file under its own path, sorted; the executable bit is kept."""
    return tuple(
        PackedFile(path.relative_to(staged).as_posix(), path, executable=bool(path.stat().st_mode & 0o100))
        for path in sorted(staged.rglob("*"))
        if path.is_file()
    )
