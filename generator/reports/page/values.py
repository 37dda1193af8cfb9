"""The values of the fleet's page, as pure functions of reports; all texts are for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.filesize import decimal

from generator.github_actions.links import RunLinks
from generator.platforms import PlatformName
from generator.reports.grid import failures_first, platforms_of, unit_state, verdict
from generator.reports.models import CrateReport, Report, State, Unit
from generator.reports.page.past import Past
from generator.reports.predictions import crate_times
from generator.reports.predictions import rows as rows_of_times
from generator.reports.quarantines import quarantine_words
from generator.text import counted, duration

SYMBOLS: Final[dict[State, str]] = {"built": "✓", "failed": "✗", "skipped": "-", "not_run": "○"}
NOTABLE: Final = 0.01
"""Share of a package's size that counts as a change."""
MAX_CHANGES: Final = 20


@dataclass(frozen=True)
class Tile:
    """A number for the top of the page, with its subject and a remark."""

    subject: str
    number: str
    remark: str = ""


@dataclass(frozen=True)
class Cell:
    """One crate for one platform. `details` are shown when the cell has the pointer or the focus."""

    state: str
    symbol: str
    size: str
    details: str


@dataclass(frozen=True)
class Row:
    """One crate in the grid; `cells` are in the order of the platforms, None for one that it does not have.

    `seconds`, `error`, `bytes` and `cost` sort the rows; `error` is that of the prediction, in percent of the time.
    `trend` has the points of a line through the seconds of several runs.
    """

    name: str
    version: str
    kind: str
    state: str
    words: str
    tests: str
    seconds: float
    time: str
    error: float
    predicted: str
    bytes: int
    size: str
    change: str
    cost: float
    money: str
    trend: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class FailedCrate:
    """A failed crate with the compiler's words, its file with an address, and the end of its log."""

    name: str
    message: str
    place: str
    address: str | None
    facts: str
    quarantine: str
    log: str


@dataclass(frozen=True)
class Page:
    """All that the page shows. `verdict` is the state of the whole run, `times` are predicted against actual times."""

    title: str
    verdict: State
    headline: str
    facts: tuple[tuple[str, str, str | None], ...]
    tiles: tuple[Tile, ...]
    failures: tuple[FailedCrate, ...]
    platforms: tuple[PlatformName, ...]
    rows: tuple[Row, ...]
    times: tuple[tuple[str, ...], ...]
    changes: tuple[tuple[str, str, str, str], ...]
    changes_since: str
    notes: tuple[str, ...]


def page_values(
    report: Report, links: RunLinks, logs: Mapping[str, str], past: Sequence[Past], notes: Iterable[str]
) -> Page:
    """Return the values of the page; `logs` are the ends of logs by crate, `past` earlier runs, the oldest first."""
    crates, platforms = failures_first(report), platforms_of(report)
    past = [each for each in past if each.seconds or each.sizes]
    before = past[-1] if past else None
    return Page(
        title="Fleet" if report.shard is None else f"Shard {report.shard}",
        verdict=verdict(report),
        headline=_headline(report),
        facts=tuple(_facts(report, links)),
        tiles=tuple(_tiles(report)),
        failures=tuple(_failed(crate, links, logs.get(crate.name, "")) for crate in crates if crate.failure),
        platforms=platforms,
        rows=tuple(_row(crate, report, platforms, past) for crate in crates),
        times=tuple(rows_of_times(report)),
        changes=_changes(report, before) if before else (),
        changes_since=before.label if before else "",
        notes=tuple(notes),
    )


def _headline(report: Report) -> str:
    states = Counter(crate.state for crate in report.crates)
    quarantined = sum(crate.failed_in_quarantine for crate in report.crates)
    words = {
        "failed": states["failed"] - quarantined,
        "failed in quarantine": quarantined,
        "not run": states["not_run"],
        "built": states["built"],
        "skipped": states["skipped"],
    }
    parts = [f"{count} {word}" for word, count in words.items() if count]
    missing = f", {counted(len(report.missing_shards), 'shard')} without a report" if report.missing_shards else ""
    return f"{counted(len(report.crates), 'crate')}: {', '.join(parts) or 'nothing to do'}{missing}"


def _facts(report: Report, links: RunLinks) -> Iterable[tuple[str, str, str | None]]:
    """Yield a name, a text and an address for each fact about the run."""
    yield "Backend", report.backend + ("" if report.isolated else ", without isolation"), None
    if report.run:
        attempt = f", attempt {report.run_attempt}" if report.run_attempt > 1 else ""
        yield "Run", report.run + attempt, links.run
    if links.commit:
        yield "Commit", links.commit[:12], links.commit_page


def _tiles(report: Report) -> Iterable[Tile]:
    built = [crate for crate in report.crates if crate.state == "built"]
    reused = [crate for crate in built if not crate.attempts]
    yield Tile("Time", duration(report.seconds), _worked(report))
    yield Tile("Packages", decimal(sum(map(_bytes, built))), counted(sum(len(each.packages) for each in built), "file"))
    tests = Counter(crate.tests for crate in report.crates)
    yield Tile("Tests", f"{tests['passed']} passed", f"{tests['failed']} failed, {tests['none']} without tests")
    if report.currency:
        yield Tile("Cost", f"{report.cost:.2f} {report.currency}", f"retries {report.retry_cost:.2f}")
    retried = sum(max(0, crate.attempts - 1) for crate in report.crates)
    if retried:
        lost = sum(crate.retry_seconds for crate in report.crates)
        yield Tile("Retries", str(retried), f"{duration(lost)} in attempts that failed")
    if reused:
        saved = sum(sum(phase.seconds for phase in crate.phases) for crate in reused)
        money = f" and {sum(crate.cost for crate in reused):.2f} {report.currency}" if report.currency else ""
        yield Tile("Reused", counted(len(reused), "crate"), f"saved {duration(saved)}{money}")


def _worked(report: Report) -> str:
    worked = sum(crate.seconds for crate in report.crates)
    return f"{duration(worked)} of building" if report.crates else ""


def _failed(crate: CrateReport, links: RunLinks, log: str) -> FailedCrate:
    failure = crate.failure
    assert failure is not None  # noqa: S101  only failed crates come here
    place = failure.file or ""
    return FailedCrate(
        name=crate.name,
        message=failure.message,
        place=f"{place}:{failure.line}" if place and failure.line else place,
        address=links.file(place, failure.line) if place else None,
        facts=", ".join(
            (
                f"{failure.failure_class} failure while it ran the step {failure.phase}",
                counted(crate.attempts, "attempt"),
                *([f"exit code {failure.exit_code}"] if failure.exit_code is not None else ()),
            )
        ),
        quarantine=quarantine_words(crate) or "",
        log=log,
    )


def _row(crate: CrateReport, report: Report, platforms: Sequence[PlatformName], past: Sequence[Past]) -> Row:
    units = {unit.platform: unit for unit in crate.units}
    reused = crate.state == "built" and not crate.attempts
    size = _bytes(crate)
    times = crate_times(crate)
    return Row(
        name=crate.name,
        version=crate.version,
        kind=crate.kind,
        state=crate.state,
        words="in quarantine" if crate.failed_in_quarantine else crate.state.replace("_", " "),
        tests=crate.tests.replace("_", " "),
        seconds=crate.seconds,
        time="reused" if reused else duration(crate.seconds),
        error=times.error if times else 0.0,
        predicted=f"{duration(times.predicted)} ({times.error:+.0f} %)" if times else "",
        bytes=size,
        size=decimal(size) if size else "",
        change=_change(size, past[-1].sizes.get(crate.name)) if past and size else "",
        cost=0.0 if reused else crate.cost,
        money="" if report.currency is None or reused else f"{crate.cost:.3f}",
        trend=_trend(_runs(crate, past)),
        cells=tuple(_cell(crate, units[name]) if name in units else None for name in platforms),
    )


def _cell(crate: CrateReport, unit: Unit) -> Cell:
    size = sum(each.bytes for each in unit.artifacts)
    tests = unit.tests
    facts = [
        f"{crate.name} for {unit.platform}: {unit.state.replace('_', ' ')}",
        *([unit.reason] if unit.reason else ()),
        *([f"{decimal(size)} of files"] if size else ()),
        *([f"compiled in {duration(unit.seconds)}"] if unit.seconds else ()),
        *([f"tests {tests.state.replace('_', ' ')}" + (f" by {tests.by}" if tests.by else "")] if size else ()),
        *([tests.reason] if tests.reason and size else ()),
        *(f"{each.severity}: {each.message}" for audit in unit.audit for each in audit.findings),
    ]
    state = unit_state(crate, unit)
    return Cell(
        state=state,
        symbol=SYMBOLS[state],
        size=decimal(size) if size else "",
        details="; ".join(facts),
    )


def _bytes(crate: CrateReport) -> int:
    return sum(each.bytes for each in crate.packages)


def _change(size: int, before: int | None) -> str:
    return "new" if before is None else f"{(size / before - 1) * 100:+.1f} %" if before else ""


def _changes(report: Report, before: Past) -> tuple[tuple[str, str, str, str], ...]:
    """Return the largest changes in size: name, before, now, change."""
    found = []
    for crate in report.crates:
        size, old = _bytes(crate), before.sizes.get(crate.name)
        if size and old and abs(size / old - 1) >= NOTABLE:
            found.append((abs(size - old), crate.name, decimal(old), decimal(size), _change(size, old)))
    return tuple(each[1:] for each in sorted(found, reverse=True)[:MAX_CHANGES])


def _runs(crate: CrateReport, past: Sequence[Past]) -> list[float | None]:
    """Return the seconds of earlier runs and of this one, or those that the crate remembers if they are more."""
    given = [*(each.seconds.get(crate.name) for each in past), crate.seconds if crate.attempts else None]
    remembered: list[float | None] = [each.seconds for each in crate.measurements]
    return remembered if len(remembered) > len(given) - given.count(None) else given


def _trend(seconds: Sequence[float | None]) -> str:
    """Return the points of a line in a box of 60 by 16, the last run at its right; empty for fewer than two runs."""
    known = [(index, each) for index, each in enumerate(seconds) if each is not None]
    if len(known) < 2:
        return ""
    top = max(each for _, each in known) or 1.0
    step = 60 / (len(seconds) - 1)
    return " ".join(f"{index * step:.1f},{15 - 14 * each / top:.1f}" for index, each in known)
