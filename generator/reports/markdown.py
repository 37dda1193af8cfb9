"""The report as a page of Markdown for a step summary: the verdict, the failures and the grid, then all else folded."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from generator.github_actions.links import RunLinks
from generator.manifest.names import log_name
from generator.markdown import code, escape, folded, link, marked_table, table
from generator.platforms import PlatformName
from generator.reports import predictions
from generator.reports.grid import failures_first, platforms_of, unit_state, verdict
from generator.reports.models import CrateReport, Failure, Report, State
from generator.reports.quarantines import quarantine_words
from generator.reports.table import COLUMNS, report_notes, rows, summary
from generator.text import counted

SYMBOLS: Final[dict[State, str]] = {"built": "✅", "failed": "❌", "skipped": "-", "not_run": "⚪"}
_LEGEND: Final = "✅ built, ❌ failed, - skipped, ⚪ not run; an empty cell is no platform of the crate."


def page(report: Report, links: RunLinks, local: Collection[str]) -> str:
    """Return the page; failures of the crates `local` link to their lines, because their source is in the commit."""
    crates, platforms, state = failures_first(report), platforms_of(report), verdict(report)
    symbol = SYMBOLS["not_run" if state == "skipped" else state]
    lines = [f"### {symbol} {_title(report)}: {_verdict(report, state)}", "", escape(summary(report)), ""]
    failures = [*_failures(report, links, local)]
    if failures:
        lines += [*failures, ""]
    if platforms:
        lines += [*marked_table(["crate", *platforms], (_row(crate, platforms) for crate in crates)), "", _LEGEND, ""]
    lines += folded("Notes", (f"- {escape(note)}" for note in report_notes(report)))
    lines += folded("Crates", table(COLUMNS, rows(report)[::-1]))
    if times := predictions.rows(report):
        lines += folded("Predicted and actual times", table(predictions.COLUMNS, times))
    return "\n".join(lines)


def _title(report: Report) -> str:
    return "Fleet" if report.shard is None else f"Shard {report.shard}"


def _verdict(report: Report, state: State) -> str:
    crates = counted(len(report.crates), "crate")
    states = [crate.state for crate in report.crates if not crate.failed_in_quarantine]
    if state == "not_run" and report.missing_shards:
        return f"{counted(len(report.missing_shards), 'shard')} without a report"
    words = {"failed": "failed", "not_run": "not built", "built": "built"}
    return f"{states.count(state)} of {crates} {words[state]}" if state in words else "no crate built"


def _failures(report: Report, links: RunLinks, local: Collection[str]) -> Iterator[str]:
    """Yield an item for each failure, those in quarantine last."""
    failed = [(crate, crate.failure) for crate in failures_first(report) if crate.failure]
    for crate, failure in sorted(failed, key=lambda each: each[0].failed_in_quarantine):
        place = _place(failure, links if crate.name in local else RunLinks())
        words = filter(None, (quarantine_words(crate), f"step {failure.phase}"))
        log = log_name(crate.name)
        kept = link(log, f"{links.run}#artifacts") if links.run else code(log)
        yield f"- **{escape(crate.name)}** {escape(crate.version)}: {code(failure.message)}"
        yield f"  - {place}{escape('; '.join(words))}; log: {kept}"


def _place(failure: Failure, links: RunLinks) -> str:
    if failure.file is None:
        return ""
    place = failure.file if failure.line is None else f"{failure.file}:{failure.line}"
    address = links.file(failure.file, failure.line)
    return f"{link(place, address) if address else code(place)}, "


def _row(crate: CrateReport, platforms: Collection[PlatformName]) -> list[str]:
    units = {unit.platform: SYMBOLS[unit_state(crate, unit)] for unit in crate.units}
    return [escape(crate.name), *(units.get(name, "") for name in platforms)]
