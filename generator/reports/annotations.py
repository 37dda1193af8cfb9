"""The failures of a report as GitHub's annotations, the worst first: GitHub shows ten of a step."""

from __future__ import annotations

from typing import Final

from generator.github_actions.workflow_commands import MAX_ANNOTATIONS, Annotation
from generator.manifest.models import Manifest, PathSource
from generator.reports.models import CrateReport, Failure, Report
from generator.text import counted

# What somebody must mend comes before what may have been bad luck.
_WORST: Final = ("permanent", "too_slow", "too_small", "transient")


def worst_failures(report: Report, manifest: Manifest | None = None) -> list[Annotation]:
    """Return at most ten; the last one counts those that are left out.

    Only a crate whose source lies in this repository has files here that an annotation can point to; without the
    manifest none is known to.
    """
    here = {crate.name for crate in manifest.crates if isinstance(crate.source, PathSource)} if manifest else set()
    failed = sorted(((crate, crate.failure) for crate in report.crates if crate.failure), key=_rank)
    shown = [_annotation(crate, failure, crate.name in here) for crate, failure in failed]
    if len(shown) <= MAX_ANNOTATIONS:
        return shown
    rest = [crate.name for crate, _ in failed[MAX_ANNOTATIONS - 1 :]]
    more = Annotation("error", f"{len(rest)} more crates failed", ", ".join(rest))
    return [*shown[: MAX_ANNOTATIONS - 1], more]


def skipped_crates(report: Report) -> list[Annotation]:
    """Return one warning that names the crates of which nothing was built: no failure, but no success either."""
    reasons = {
        crate.name: next((unit.reason for unit in crate.units if unit.reason), "no reason is known")
        for crate in report.crates
        if crate.state == "skipped"
    }
    if not reasons:
        return []
    told = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
    return [Annotation("warning", f"{counted(len(reasons), 'crate')} skipped on every platform", told)]


def _rank(failed: tuple[CrateReport, Failure]) -> tuple[int, bool, str]:
    crate, failure = failed
    return _WORST.index(failure.failure_class), failure.file is None, crate.name


def _annotation(crate: CrateReport, failure: Failure, here: bool) -> Annotation:
    title = f"{crate.name} failed ({failure.failure_class.replace('_', ' ')})"
    if here:
        return Annotation("error", title, failure.message, failure.file, failure.line)
    place = f"{failure.file}:{failure.line}: " if failure.file else ""
    return Annotation("error", title, f"{place}{failure.message}")
