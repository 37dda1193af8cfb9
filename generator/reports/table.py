"""The report as table rows, a sentence and notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from rich.filesize import decimal

from generator.prices import money_text
from generator.reports.models import NO_COVERAGE, CrateReport, Report
from generator.reports.quarantines import quarantine_words
from generator.text import counted, duration

# Most crates of a fleet with one size get the same hint.
MAX_HINTS: Final = 5
COLUMNS = ("crate", "kind", "state", "tests", "time", "result")


def rows(report: Report) -> list[tuple[str, ...]]:
    """Return one row per crate, the failed ones last, next to the prompt."""
    order = {"skipped": 0, "not_run": 1, "built": 2, "failed": 3}
    crates = sorted(report.crates, key=lambda crate: (order[crate.state], crate.name))
    return [
        (
            crate.name,
            crate.kind,
            crate.state.replace("_", " "),
            _tests(crate),
            _time(crate),
            result_of(crate),
        )
        for crate in crates
    ]


def summary(report: Report) -> str:
    """Return one sentence about the whole run."""
    states = [_state(crate) for crate in report.crates]
    words = ("built", "failed", "failed in quarantine", "skipped", "not run")
    parts = [f"{states.count(word)} {word}" for word in words if word in states]
    total = counted(len(states), "crate")
    return f"{total}: {', '.join(parts) or 'nothing to do'} in {duration(report.seconds)}{_money(report)}"


def _state(crate: CrateReport) -> str:
    return "failed in quarantine" if crate.failed_in_quarantine else crate.state.replace("_", " ")


def _money(report: Report) -> str:
    if report.currency is None:
        return ""
    retries = f", of which {report.retry_cost:.2f} for attempts that failed" if report.retry_cost else ""
    return f" for {report.cost:.2f} {report.currency}{retries} (prices of {report.prices_of})"


def report_notes(report: Report) -> list[str]:
    """Return notes on missing shards, quarantines to remove, failed crates, sizes, tests, skips and the estimate."""
    missing = ", ".join(report.missing_shards)
    notes = [f"shards without a report, so their results are missing: {missing}"] if missing else []
    notes += [
        f"note on {crate.name}: {words}"
        for crate in report.crates
        if crate.state == "built" and (words := quarantine_words(crate))
    ]
    notes += [
        f"note on {crate.name}: {note}" for crate in report.crates if crate.state == "failed" for note in crate.notes
    ]
    hints = [f"hint for {crate.name}: {crate.hint}" for crate in report.crates if crate.hint]
    if len(hints) > MAX_HINTS:
        hints = [*hints[:MAX_HINTS], f"and {counted(len(hints) - MAX_HINTS, 'more hint')} for sizes: see the report"]
    built = [crate for crate in report.crates if crate.state == "built"]
    units = [unit for crate in built for unit in crate.units]
    passed = (f"{each.platform} by {each.tests.by}" for each in units if each.tests.state == "passed" and each.tests.by)
    untested = (each.platform for each in units if each.tests.reason and each.tests.state == "not_run")
    skipped = (each.platform for each in units if each.state == "skipped")
    unchanged = Counter(crate.unchanged_since for crate in built if crate.unchanged_since)
    unmeasured = Counter(note for crate in built for note in crate.notes if note.startswith(NO_COVERAGE))
    return [
        *notes,
        *hints,
        *_counts("tests also passed on (number of crates):", passed, ""),
        *_counts("tests not run on (number of crates):", untested, "; the report has the reasons"),
        *_counts("not built (number of crates):", skipped, "; the report has the reasons"),
        *(f"{counted(count, 'crate')} with {note}" for note, count in unmeasured.items()),
        *(f"{counted(count, 'crate')} not built again: unchanged since {tag}" for tag, count in unchanged.items()),
        *_estimate(report),
    ]


def _estimate(report: Report) -> list[str]:
    """Return a sentence on the cost of sandboxes against the estimate before the run."""
    if not report.estimated_cost:
        return []
    more = report.cost / report.estimated_cost - 1
    difference = f"{abs(more):.0%} {'more' if more > 0 else 'less'} than the estimate"
    cost, estimated = money_text(report.cost), money_text(report.estimated_cost)
    return [f"sandboxes cost {cost} {report.currency}, {difference} of {estimated} {report.currency}"]


def _counts(title: str, names: Iterable[str], more: str) -> list[str]:
    counts = [f"{name} ({count})" for name, count in sorted(Counter(names).items())]
    return [f"{title} {', '.join(counts)}{more}"] if counts else []


def reason_of(crate: CrateReport) -> str:
    """Return why a crate was skipped or not run."""
    return next((unit.reason for unit in crate.units if unit.reason), "")


def _tests(crate: CrateReport) -> str:
    state = crate.tests.replace("_", " ")
    return f"{state}, {crate.coverage.lines.percent // 1:.0f} %" if crate.coverage else state


def _time(crate: CrateReport) -> str:
    return "cached" if crate.state == "built" and crate.attempts == 0 else duration(crate.seconds)


def result_of(crate: CrateReport) -> str:
    """Return the failure of a crate with its file and line, the reason that it was not built, or its package."""
    if crate.failure:
        return "; ".join(filter(None, (quarantine_words(crate), crate.failure.located_message)))
    if crate.state in {"skipped", "not_run"}:
        return reason_of(crate)
    if crate.package is None:
        return "no package: a library"
    others = f" and {len(crate.packages) - 1} for platforms" if len(crate.packages) > 1 else ""
    size = sum(each.bytes for each in crate.packages or (crate.package,))
    return f"{crate.package.file}{others} ({decimal(size)})"


def packages_line(report: Report, directory: str) -> str | None:
    """Return the number, the size and the directory of the packages of a run, None if it made none."""
    made = [file for crate in report.crates if not crate.unchanged_since for file in crate.packages]
    total = decimal(sum(file.bytes for file in made))
    return f"{counted(len(made), 'package')} ({total}) in {directory}" if made else None
