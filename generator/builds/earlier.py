"""Crates that an attempt before built for the same run: their packages are copied, so they are not built again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from generator.builds.unchanged import has_all_packages
from generator.files.digest import sha256_below
from generator.files.directory import Directory
from generator.manifest.crate_models import Crate
from generator.manifest.settings import Settings
from generator.reports.models import CrateReport, Report


@dataclass(frozen=True)
class EarlierBuild:
    """The report of a crate that was built, and the directory of its packages."""

    directory: Path
    report: CrateReport


def earlier_builds(reports: Iterable[tuple[Path, Report]]) -> dict[str, EarlierBuild]:
    """Return the crates that reports have as built, by name; each report has its packages beside it.

    The packages of an unchanged crate are on the release before, and its index says so.
    """
    return {
        crate.name: EarlierBuild(place, crate)
        for place, report in reports
        for crate in report.crates
        if crate.state == "built" and crate.unchanged_since is None
    }


def earlier_report(
    crate: Crate, settings: Settings, key: str | None, earlier: EarlierBuild | None, out: Directory
) -> CrateReport | None:
    """Copy the packages of a crate that was built with the same cache key, and return its report, without its SBOM.

    None if a package is missing or has another digest than reported. The upload compares the copies once more.
    """
    if earlier is None or key is None:
        return None
    report = earlier.report
    if (report.cache_key, report.version) != (key, crate.version) or not has_all_packages(crate, settings, report):
        return None
    with Directory.open_trusted(earlier.directory) as packed:
        if any(sha256_below(packed, file.file) != file.sha256 for file in report.packages):
            return None
    for file in report.packages:
        out.copy(earlier.directory / file.file, file.file)
    return report.model_copy(update={"attempts": 0, "seconds": 0.0, "sbom": None, "shard": None})
