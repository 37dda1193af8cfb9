"""Failures of a report as annotations, the worst first; GitHub shows ten per step."""

from __future__ import annotations

from typing import Final

from generator.github_actions.workflow_commands import MAX_ANNOTATIONS, Annotation
from generator.manifest.models import Manifest
from generator.manifest.source_models import PathSource
from generator.reports.models import CrateReport, Failure, Report
from generator.reports.quarantines import quarantine_words
from generator.text import counted

# Failures that need a fix come before failures that a retry may solve.
_CLASSES: Final = ("permanent", "too_slow", "too_small", "transient")


def worst_failures(report: Report, manifest: Manifest | None = None) -> list[Annotation]:
    """Return at most ten annotations; if there are more failures, the last one counts the others.

    Failures in quarantine are warnings: see `quarantined_crates`.
    Only a crate with its source in this repository gets an annotation at a file; this needs the manifest.
    """
    local = local_crates(manifest)
    failures = ((crate, crate.failure) for crate in report.crates if crate.failure and not crate.failed_in_quarantine)
    failed = sorted(failures, key=_rank)
    shown = [_annotation(crate, failure, crate.name in local) for crate, failure in failed]
    if len(shown) <= MAX_ANNOTATIONS:
        return shown
    rest = [crate.name for crate, _ in failed[MAX_ANNOTATIONS - 1 :]]
    more = Annotation("error", f"{len(rest)} more crates failed", ", ".join(rest))
    return [*shown[: MAX_ANNOTATIONS - 1], more]


def local_crates(manifest: Manifest | None) -> set[str]:
    """Return the names of the crates with their source in this repository, none without a manifest."""
    return {crate.name for crate in manifest.crates if isinstance(crate.source, PathSource)} if manifest else set()


def quarantined_crates(report: Report) -> list[Annotation]:
    """Return a warning with the crates that failed in quarantine, and one with those that need no quarantine."""
    failed = [_named(crate) for crate in report.crates if crate.failed_in_quarantine]
    built = [_named(crate) for crate in report.crates if crate.state == "built" and crate.quarantine]
    titles = {f"{counted(len(failed), 'crate')} failed in quarantine": failed, "Built in spite of a quarantine": built}
    return [Annotation("warning", title, "; ".join(names)) for title, names in titles.items() if names]


def skipped_crates(report: Report) -> list[Annotation]:
    """Return one warning with the names of the crates that were skipped on every platform."""
    reasons = {
        crate.name: next((unit.reason for unit in crate.units if unit.reason), "unknown reason")
        for crate in report.crates
        if crate.state == "skipped"
    }
    if not reasons:
        return []
    message = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
    return [Annotation("warning", f"{counted(len(reasons), 'crate')} skipped on every platform", message)]


def _named(crate: CrateReport) -> str:
    message = crate.failure.located_message if crate.failure else None
    return ": ".join(filter(None, (crate.name, quarantine_words(crate), message)))


def _rank(failed: tuple[CrateReport, Failure]) -> tuple[int, bool, str]:
    crate, failure = failed
    return _CLASSES.index(failure.failure_class), failure.file is None, crate.name


def _annotation(crate: CrateReport, failure: Failure, local: bool) -> Annotation:
    words = "; ".join(filter(None, (failure.failure_class.replace("_", " "), quarantine_words(crate))))
    title = f"{crate.name} failed ({words})"
    if local:
        return Annotation("error", title, failure.message, failure.file, failure.line)
    return Annotation("error", title, failure.located_message)
