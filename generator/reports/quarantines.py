"""Quarantines in a report: their state on a day, and the words for people; pure."""

from __future__ import annotations

from datetime import date

from generator.manifest.models import Manifest
from generator.reports.models import CrateReport, QuarantineReport, Report


def with_quarantines(report: Report, manifest: Manifest, today: date) -> Report:
    """Return the report with each crate's quarantine as the manifest declares it, and its state on a day in UTC.

    What the report had before does not count.
    """
    declared = {crate.name: crate.quarantine for crate in manifest.crates}
    crates = []
    for crate in report.crates:
        found = declared.get(crate.name)
        of_today = found and QuarantineReport(reason=found.reason, until=found.until, state=found.state(today))
        crates.append(crate.model_copy(update={"quarantine": of_today}))
    return report.model_copy(update={"crates": tuple(crates)})


def quarantine_words(crate: CrateReport) -> str | None:
    """Return what a crate's quarantine means for its result, or None for nothing."""
    quarantine = crate.quarantine
    if quarantine is None:
        return None
    if crate.state == "built":
        return "it builds again: remove its quarantine"
    if crate.state != "failed":
        return None
    if quarantine.state == "ended":
        return f"its quarantine ended on {quarantine.until}"
    return f"in quarantine until {quarantine.until}: {quarantine.reason}"
