"""The timeline of a run: a lane for each slot, a bar for each crate, and the phases in it. All numbers are seconds."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from generator.reports.models import CrateReport, Report
from generator.text import duration

WIDTH = 1000.0
"""Width of the drawing, in the units of its view box."""


@dataclass(frozen=True)
class Part:
    """A part of a bar: a phase, `retry` for attempts that failed, or `other`; place and width are in the drawing."""

    phase: str
    x: float
    width: float


@dataclass(frozen=True)
class Bar:
    """One crate in its lane."""

    crate: str
    state: str
    x: float
    width: float
    parts: tuple[Part, ...]
    details: str


@dataclass(frozen=True)
class Lane:
    """One slot: its crates in their order, and the share of the time in which it had none."""

    name: str
    bars: tuple[Bar, ...]
    idle: str


@dataclass(frozen=True)
class Timeline:
    """All lanes; `end` is the length of the run, `ticks` are times with their places, and `idle` counts all lanes."""

    lanes: tuple[Lane, ...]
    end: float
    ticks: tuple[tuple[float, str], ...]
    phases: tuple[str, ...]
    idle: str


def timeline(report: Report) -> Timeline | None:
    """Return the timeline, or None for a report without the times at which crates began."""
    timed = [crate for crate in report.crates if crate.started is not None and crate.seconds > 0]
    if not timed:
        return None
    end = max([report.seconds, *(_end(crate) for crate in timed)])
    lanes = tuple(_lane(name, crates, end) for name, crates in _slots(timed, report.shard))
    used = dict.fromkeys(part.phase for lane in lanes for bar in lane.bars for part in bar.parts)
    step = _step(end)
    ticks = tuple((index * step / end * WIDTH, duration(index * step)) for index in range(int(end / step) + 1))
    return Timeline(lanes, end, ticks, tuple(used), _idle([bar for lane in lanes for bar in lane.bars], len(lanes)))


def _end(crate: CrateReport) -> float:
    return (crate.started or 0.0) + crate.seconds


def _slots(crates: Sequence[CrateReport], shard: str | None) -> Iterator[tuple[str, list[CrateReport]]]:
    """Yield a name and the crates of each slot: crates of a shard that overlap are in slots of their own."""
    shards: dict[str, list[CrateReport]] = {}
    for crate in sorted(crates, key=lambda each: each.started or 0.0):
        shards.setdefault(crate.shard or shard or "", []).append(crate)
    for name, members in sorted(shards.items(), key=lambda each: _number(each[0])):
        slots: list[list[CrateReport]] = []
        free: list[tuple[float, int]] = []
        for crate in members:
            # Two crates of a slot may touch: the second one begins when the report of the first is made.
            if free and free[0][0] <= (crate.started or 0.0) + 0.05:
                _, index = heapq.heappop(free)
            else:
                index = len(slots)
                slots.append([])
            slots[index].append(crate)
            heapq.heappush(free, (_end(crate), index))
        several = len(slots) > 1
        for index, slot in enumerate(slots, start=1):
            parts = [f"shard {name.partition('/')[0]}"] if name else []
            yield ", ".join([*parts, *([f"slot {index}"] if several or not name else [])]), slot


def _number(shard: str) -> int:
    return int(shard.partition("/")[0] or 0)


def _lane(name: str, crates: Iterable[CrateReport], end: float) -> Lane:
    bars = tuple(_bar(crate, end) for crate in crates)
    return Lane(name, bars, _idle(bars, 1))


def _idle(bars: Iterable[Bar], lanes: int) -> str:
    """Return the share of the time in which so many lanes had none of these crates."""
    busy = min(1.0, sum(bar.width for bar in bars) / WIDTH / lanes)
    return f"{100 - 100 * busy:.0f} % idle"


def _bar(crate: CrateReport, end: float) -> Bar:
    started, scale = crate.started or 0.0, WIDTH / end
    phases = [(phase.name, phase.seconds) for phase in crate.phases] if crate.attempts else []
    spent = min(crate.seconds, crate.retry_seconds + sum(seconds for _, seconds in phases))
    known = [("retry", crate.retry_seconds), *phases]
    parts, x = [], started
    # Between the attempts and around the phases lies what no phase counts: collecting the source, delays, the cache.
    for name, seconds in [*known[:1], ("other", crate.seconds - spent), *known[1:]]:
        if seconds > 0:
            width = min(seconds, started + crate.seconds - x)
            parts.append(Part(name, round(x * scale, 2), round(max(0.0, width) * scale, 2)))
            x += width
    listed = ", ".join(f"{name} {duration(seconds)}" for name, seconds in known if seconds >= 0.05)
    details = f"{crate.name}: {crate.state.replace('_', ' ')} in {duration(crate.seconds)}" + (
        f" ({listed})" if listed else ""
    )
    return Bar(
        crate.name, crate.state, round(started * scale, 2), round(crate.seconds * scale, 2), tuple(parts), details
    )


def _step(end: float) -> float:
    """Return a round number of seconds that divides the run into at most ten parts."""
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
    return float(next((step for step in steps if end / step <= 10), end))
