"""The build cache: a crate whose input is unchanged is reused from an earlier run."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final, Literal

from pydantic import ValidationError

from generator.builds.context import CrateBuild
from generator.files.digest import sha256_below
from generator.files.user_cache import write_atomically
from generator.manifest.names import sbom_name, tarball_names
from generator.reports.models import CrateReport
from generator.strict import Strict

MAX_ENTRY_BYTES: Final = 4 * 1024 * 1024


class CacheEntry(Strict):
    """The report of a crate that was built, under the digest of everything that decides the result."""

    cache_version: Literal[1] = 1
    key: str
    report: CrateReport


def has_entry(build: CrateBuild) -> bool:
    """Return True if a crate was built before, maybe from other input."""
    return _path(build).is_file()


def restore(build: CrateBuild, key: str) -> CrateReport | None:
    """Return the report of an earlier build with the same key, or None if its packages are missing or changed."""
    path = _path(build)
    try:
        if not path.is_file() or path.stat().st_size > MAX_ENTRY_BYTES:
            return None
        entry = CacheEntry.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    if entry.key != key or not _is_complete(build, entry.report):
        return None
    return entry.report.model_copy(update={"attempts": 0, "seconds": 0.0})


def store(build: CrateBuild, key: str, report: CrateReport) -> None:
    """Write the cache entry of a crate that was built."""
    entry = CacheEntry(key=key, report=report)
    write_atomically(_path(build), entry.model_dump_json(indent=1).encode())


def _is_complete(build: CrateBuild, report: CrateReport) -> bool:
    if (report.name, report.version, report.state) != (build.crate.name, build.crate.version, "built"):
        return False
    if not report.packages:
        return build.crate.kind == "lib"
    tarballs = tarball_names(build.crate, build.settings, build.settings.platforms, build.settings.layout)
    names = (*tarballs, sbom_name(build.crate.name))
    return report.packages[0].file == names[0] and all(
        each.file in names and sha256_below(build.context.out, each.file) == each.sha256
        for each in (*report.packages, *([report.sbom] if report.sbom else []))
    )


def _path(build: CrateBuild) -> Path:
    """Return the path of a crate's entry: in the user's cache, because a pull request can change the checkout."""
    out = hashlib.sha256(str(build.context.out.path.resolve()).encode()).hexdigest()[:16]
    return build.context.cache / out / f"{build.crate.name}.json"
