"""Crates whose packages the release before has: built from the same input, so they are not built again."""

from __future__ import annotations

from generator.manifest.crate_models import Crate
from generator.manifest.names import tarball_names
from generator.manifest.settings import Settings
from generator.reports.index import FleetIndex, IndexedCrate, IndexedUnit
from generator.reports.models import CrateReport, Phase, Unit


def unchanged_report(
    crate: Crate, settings: Settings, key: str | None, previous: FleetIndex | None
) -> CrateReport | None:
    """Return the report of a crate that the index has under the same cache key with all its packages, or None."""
    entry = previous.crate(crate.name) if previous else None
    if previous is None or entry is None or key is None:
        return None
    if (entry.state, entry.cache_key, entry.version) != ("built", key, crate.version):
        return None
    if not has_all_packages(crate, settings, entry):
        return None
    return CrateReport(
        name=crate.name,
        version=crate.version,
        kind=crate.kind,
        state="built",
        unchanged_since=previous.tag,
        units=tuple(map(_unit, entry.units)),
        phases=tuple(Phase(name=name, seconds=seconds) for name, seconds in entry.phases.items()),
        peak_memory=entry.peak_memory,
        sandboxes=(entry.sandbox,) if entry.sandbox else (),
        cost=entry.cost,
        measurements=entry.measurements,
        package=entry.packages[0] if entry.packages else None,
        packages=entry.packages,
        notes=(f"unchanged since {previous.tag}",),
    )


def has_all_packages(crate: Crate, settings: Settings, entry: IndexedCrate | CrateReport) -> bool:
    """Return True if the entry has the packages that the crate must have, and no other; the root's is the first."""
    skipped = {unit.platform for unit in entry.units if unit.state == "skipped"}
    tarballs = tarball_names(crate, settings, settings.platforms, settings.layout)
    expected = [name for name, platform in tarballs.items() if platform is None or platform not in skipped]
    listed = [file.file for file in entry.packages]
    return listed[:1] == expected[:1] and sorted(listed) == sorted(expected)


def _unit(unit: IndexedUnit) -> Unit:
    return Unit(platform=unit.platform, state=unit.state, reason=unit.reason, seconds=unit.seconds)
