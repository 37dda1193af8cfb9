"""Packages that one run keeps for later ones, in a directory that goes from runner to runner: no digest, no reuse.

The directory has one folder for each crate, with its packages, its SBOM and the entry that says what they are.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Final

from pydantic import ValidationError

from generator.builds.cache import MAX_ENTRY_BYTES, CacheEntry, has_expected_files
from generator.builds.context import CrateBuild
from generator.errors import InputError
from generator.files.digest import sha256_of
from generator.files.directory import Directory
from generator.reports.models import Artifact, CrateReport, Report

ENTRY: Final = "build.json"
_CHUNK: Final = 1024 * 1024


def keep(kept: Path, report: Report, out: Directory) -> int:
    """Copy the packages of built crates, wherever they are below `out`, and return the number of these crates.

    A crate without a public cache key is not kept, and neither is one whose packages are not there as reported. The
    folders of other crates stay as they are.
    """
    found: dict[str, list[str]] = {}
    for name in out.walk_files():
        found.setdefault(PurePosixPath(name).name, []).append(name)
    with Directory.open_trusted(kept) as directory:
        return sum(_keep(directory, crate, out, found) for crate in report.crates)


def take(build: CrateBuild, key: str | None) -> CrateReport | None:
    """Copy the packages that a run with the same cache key and code has kept, and return its report, or None.

    A package that is missing, or is not as that report says, is not taken. Others may then be in the output directory.
    """
    kept = build.context.reuse
    if kept is None or key is None or not kept.is_dir():
        return None
    with Directory.open_trusted(kept) as directory:
        report = _read_entry(directory, build.crate.name, _kept_key(key))
        if report is None or not has_expected_files(build, report):
            return None
        for file in _files(report):
            if not _copy(directory, _place(report.name, file), build.context.out, file.file, file):
                return None
    return report.model_copy(update={"attempts": 0, "seconds": 0.0, "shard": None})


def has_kept(kept: Path | None, crate: str) -> bool:
    """Return True if a run kept a crate, maybe from other input."""
    return kept is not None and (kept / crate / ENTRY).is_file()


def _keep(kept: Directory, report: CrateReport, out: Directory, found: dict[str, list[str]]) -> bool:
    if report.state != "built" or report.cache_key is None or report.unchanged_since is not None:
        return False
    kept.remove(f"{report.name}/{ENTRY}")
    places = {_place(report.name, file): file for file in _files(report)}
    for place, file in places.items():
        named = found.get(PurePosixPath(file.file).name, ())
        if not any(_copy(out, name, kept, place, file) for name in named):
            return False
    for name in kept.list_names(report.name):
        if f"{report.name}/{name}" not in places:
            kept.remove(f"{report.name}/{name}")
    entry = CacheEntry(key=_kept_key(report.cache_key), report=report)
    kept.write(f"{report.name}/{ENTRY}", entry.model_dump_json(indent=1).encode())
    return True


def _kept_key(key: str) -> str:
    return hashlib.sha256(f"{key} {_own_code()}".encode()).hexdigest()


@cache
def _own_code() -> str:
    """Return the digest of this package, which no cache key has: its own CI builds crates to try a change of it."""
    top, digest = Path(__file__).resolve().parents[1], hashlib.sha256()
    for path in sorted(top.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(top).as_posix()} {sha256_of(path)}\n".encode())
    return digest.hexdigest()


def _files(report: CrateReport) -> tuple[Artifact, ...]:
    return (*report.packages, *([report.sbom] if report.sbom else []))


def _place(crate: str, file: Artifact) -> str:
    return f"{crate}/{PurePosixPath(file.file).name}"


def _read_entry(directory: Directory, crate: str, key: str) -> CrateReport | None:
    """Return the report of an entry with this key, or None."""
    try:
        entry = CacheEntry.model_validate_json(directory.read(f"{crate}/{ENTRY}", MAX_ENTRY_BYTES) or b"")
    except (InputError, ValidationError):
        return None
    return entry.report if entry.key == key else None


def _copy(source: Directory, name: str, target: Directory, new_name: str, file: Artifact) -> bool:
    """Copy a file if it has the size and digest of `file`; return False otherwise, and without a regular file."""
    digest, left = hashlib.sha256(), file.bytes
    try:
        with source.open(name) as content, target.replacing(new_name) as new:
            while left >= 0 and (part := content.read(_CHUNK)):
                left -= len(part)
                digest.update(part)
                new.write(part)
            if left != 0 or digest.hexdigest() != file.sha256:
                raise InputError(f"{name} is not as reported")
    except (OSError, InputError):
        return False
    return True
