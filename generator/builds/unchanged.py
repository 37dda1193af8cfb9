"""Crates whose packages the release before has: built from the same input, so they are not built again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from generator.builds.inputs import BuildInputs
from generator.errors import InputError, Unavailable
from generator.manifest.crate_models import Crate
from generator.manifest.fleet_models import Fleet
from generator.manifest.names import tarball_names
from generator.manifest.settings import Settings, settings
from generator.manifest.source_models import GitSource
from generator.reports.index import FleetIndex, IndexedCrate, IndexedUnit
from generator.reports.models import CrateReport, Phase, Unit


@dataclass(frozen=True)
class Unchanged:
    """The names of unchanged crates, and the crates whose cache keys are not known, each with the reason."""

    names: tuple[str, ...]
    unknown: Mapping[str, str]


def find_unchanged(
    fleet: Fleet,
    crates: Iterable[Crate],
    previous: FleetIndex,
    read: Callable[[Crate], BuildInputs],
    variables: Mapping[str, str],
) -> Unchanged:
    """Find the crates that a build with this index would not build, on a machine that may know less than the build.

    `read` returns a crate's inputs. A variable of `env` that is not set here may be set there. After a failed fetch no
    other commit is fetched, so that an unreachable server costs its time only once.
    """
    names, unknown, failed_fetch = list[str](), dict[str, str](), ""
    for crate in crates:
        merged, entry = settings(fleet, crate), previous.crate(crate.name)
        if entry is None or entry.cache_key is None:
            continue
        if failed_fetch and isinstance(crate.source, GitSource):
            unknown[crate.name] = failed_fetch
            continue
        try:
            key = read(crate).shown_key
        except (InputError, OSError, Unavailable) as error:
            unknown[crate.name] = str(error)
            failed_fetch = failed_fetch or (str(error) if isinstance(error, Unavailable) else "")
            continue
        if unchanged_report(crate, merged, key, previous):
            names.append(crate.name)
        elif unset := [name for name in merged.env if name not in variables]:
            unknown[crate.name] = f"{', '.join(unset)} of env is not set"
    return Unchanged(tuple(names), unknown)


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
