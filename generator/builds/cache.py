"""Receipts: what was finished once is taken up again, never built twice."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Final, Literal

from pydantic import ValidationError

from generator import __version__
from generator.builds.context import CrateBuild
from generator.errors import InputError
from generator.files.digest import sha256_of_open
from generator.files.directory import Directory
from generator.files.user_cache import write_atomically
from generator.manifest.names import sbom_name, tarball_names
from generator.platforms import PlatformName
from generator.reports.models import CrateReport
from generator.sources.collect import CollectedSource
from generator.strict import Strict

MAX_ENTRY_BYTES: Final = 4 * 1024 * 1024


class CacheEntry(Strict):
    """That a crate was built from an input; `input` is the digest of everything that decides what comes out."""

    cache_version: Literal[1] = 1
    key: str
    report: CrateReport


def cache_key(build: CrateBuild, platforms: tuple[PlatformName, ...], source: CollectedSource) -> str:
    """Digest all that decides: source, manifest, toolchain, isolation, this tool, and the values of named variables."""
    context = build.context
    values = {name: context.variables.get(name) for name in build.settings.env}
    parts = [
        __version__,
        context.environment.backend.name,
        context.environment.fingerprint,
        context.environment.isolated,
        astuple(context.environment.minimum_versions),
        list(platforms),
        # A report also has the platforms that are skipped, and `required` makes a failure of one.
        list(build.settings.platforms),
        list(build.settings.required),
        source.digest,
        source.directory,
        build.crate.model_dump(mode="json", exclude={"depends_on", "expected_minutes", "retries", "timeout_minutes"}),
        build.settings.npm_name,
        build.settings.layout,
        build.settings.tests,
        build.settings.coverage and (context.environment.toolchain.no_coverage or True),
        build.settings.foreign_tests,
        {platform: asdict(runtime) for platform, runtime in context.environment.toolchain.runtimes.items()},
        build.settings.glibc,
        values,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def restore(build: CrateBuild, wanted: str) -> CrateReport | None:
    """Return the report of an earlier build of the same input whose packages are still there, unchanged."""
    path = _path(build)
    try:
        if not path.is_file() or path.stat().st_size > MAX_ENTRY_BYTES:
            return None
        entry = CacheEntry.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    if entry.key != wanted or not _is_whole(build, entry.report):
        return None
    return entry.report.model_copy(update={"attempts": 0, "seconds": 0.0})


def store(build: CrateBuild, wanted: str, report: CrateReport) -> None:
    """Keep a receipt for a crate that was built."""
    entry = CacheEntry(key=wanted, report=report)
    write_atomically(_path(build), entry.model_dump_json(indent=1).encode())


def _is_whole(build: CrateBuild, report: CrateReport) -> bool:
    if (report.name, report.version, report.state) != (build.crate.name, build.crate.version, "built"):
        return False
    if not report.packages:
        return build.crate.kind == "lib"
    tarballs = tarball_names(build.crate, build.settings.npm_name, build.settings.platforms, build.settings.layout)
    names = (*tarballs, sbom_name(build.crate.name))
    return report.packages[0].file == names[0] and all(
        each.file in names and _digest(build.context.out, each.file) == each.sha256
        for each in (*report.packages, *([report.sbom] if report.sbom else []))
    )


def _digest(out: Directory, name: str) -> str | None:
    """Return the SHA-256 of a regular file, or None where there is none."""
    try:
        with out.open(name) as file:
            return sha256_of_open(file)
    except (OSError, InputError):
        return None


def _path(build: CrateBuild) -> Path:
    """Receipts lie in the user's cache: what lies in the checkout may have come with a pull request."""
    out = hashlib.sha256(str(build.context.out.path.resolve()).encode()).hexdigest()[:16]
    return build.context.cache / out / f"{build.crate.name}.json"
