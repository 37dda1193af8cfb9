"""The grid of a report: one row per crate, one column per platform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from generator.platforms import PLATFORM_NAMES, PlatformName
from generator.reports.models import CrateReport, Report, State, Unit

_ORDER: Final[dict[State, int]] = {"failed": 0, "not_run": 1, "built": 2, "skipped": 3}


def platforms_of(report: Report) -> tuple[PlatformName, ...]:
    """Return the platforms of a report's crates, in the order of all platforms."""
    wanted = {unit.platform for crate in report.crates for unit in crate.units}
    return tuple(name for name in PLATFORM_NAMES if name in wanted)


def failures_first(report: Report) -> Sequence[CrateReport]:
    """Return the crates of a report, the failed ones first, then by name."""
    return sorted(report.crates, key=lambda crate: (_ORDER[crate.state], crate.name))


def unit_state(crate: CrateReport, unit: Unit) -> State:
    """Return the state of a unit for people: a failed test fails it, as does a failure before it was built."""
    if unit.tests.state == "failed" or (unit.state == "not_run" and crate.state == "failed"):
        return "failed"
    return unit.state


def verdict(report: Report) -> State:
    """Return the state of the whole run; a failure in quarantine does not count."""
    if any(crate.state == "failed" and not crate.failed_in_quarantine for crate in report.crates):
        return "failed"
    if report.missing_shards or any(crate.state == "not_run" for crate in report.crates):
        return "not_run"
    return "built" if any(crate.state == "built" for crate in report.crates) else "skipped"
