"""Costs of a plan before anything is spent, for sandboxes and GitHub's runners: pure functions of minutes and prices.

A crate's predicted minutes are a guess, so each number has a range from half to twice the guess. The factor is that of
the jobs' timeouts, which allow twice the expected time: `job_minutes` in `workflows/rendering.py`. No attempt takes
longer than its crate's timeout. Retries do not count: they follow lost sandboxes, of which there are few, and not slow
crates.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from generator.errors import InputError
from generator.manifest.models import Manifest
from generator.manifest.settings import Settings, settings
from generator.manifest.values import BackendName, Date, Size
from generator.planning.balance import Shard
from generator.prices import Currency, RunnerPrices, money_text
from generator.strict import Strict

GUESS_FACTOR: Final = 2
JOB_MINUTES: Final = 1.0
"""Minutes of a job besides its crates: checkout, installation and artifacts. A guess."""


class Range(Strict):
    """A number that is not known yet: the likely one, and the ends of its range."""

    low: float
    likely: float
    high: float

    def times(self, factor: float) -> Range:
        """Return the range of a multiple, to millionths."""
        return Range(**{name: round(value * factor, 6) for name, value in self})


class CrateCost(Strict):
    """The minutes of a crate's sandbox, for which its runner waits, and the cost of the sandbox."""

    crate: str
    minutes: Range
    sandboxes: Range


class ShardCost(Strict):
    """The cost of a shard's sandboxes, and the whole minutes of its job."""

    index: int
    sandboxes: Range
    runner_minutes: Range


class Costs(Strict):
    """The costs of a plan in `currency`, in all, per shard and per crate.

    `prices_of` and `runner_prices_of` are the days of the prices. Sandboxes of the backend `local` are free. `runners`
    is the price of all jobs' minutes, which GitHub charges in private repositories after those of its plan. Only jobs
    that build count. `runner_minutes_of_single_slots` are those of one job per slot, None if that is the plan.
    """

    backend: BackendName
    currency: Currency
    prices_of: Date | None
    runner_prices_of: Date
    sandboxes: Range
    runner_minutes: Range
    runners: Range
    runner_minutes_of_single_slots: Range | None = None
    shards: tuple[ShardCost, ...]
    crates: tuple[CrateCost, ...]


@dataclass(frozen=True)
class Rates:
    """Prices for a backend: of runners, and of a sandbox's minute by its size, on the day `prices_of`.

    Where sandboxes are free, there is no size and no day.
    """

    backend: BackendName
    runners: RunnerPrices
    minute: Mapping[Size, float] = field(default_factory=dict)
    prices_of: Date | None = None


def likely_minutes(predicted: float, merged: Settings) -> float:
    """Return the minutes that a crate's sandbox likely lives; `merged` are the crate's settings."""
    return min(predicted, merged.timeout_minutes)


def plan_costs(
    manifest: Manifest,
    shards: Sequence[Shard],
    predicted: Mapping[str, float],
    rates: Rates,
    sizes: Mapping[str, Size],
) -> Costs:
    """Return the costs of the shards of a plan; `predicted` are minutes and `sizes` sizes of crates by name."""
    known = {crate.name: crate for crate in manifest.crates}
    names = sorted(name for shard in shards for name in shard.crates)
    merged = {name: settings(manifest.fleet, known[name]) for name in names}
    crates = {
        name: _crate_cost(name, predicted[name], merged[name], sizes.get(name, merged[name].first_size), rates)
        for name in names
    }
    counted = tuple(_shard_cost(shard, [crates[name] for name in shard.crates]) for shard in shards)
    minutes = _sum([each.runner_minutes for each in counted])
    return Costs(
        backend=rates.backend,
        currency=rates.runners.currency,
        prices_of=rates.prices_of,
        runner_prices_of=rates.runners.date,
        sandboxes=_sum([each.sandboxes for each in counted]),
        runner_minutes=minutes,
        runners=minutes.times(rates.runners.minute),
        shards=counted,
        crates=tuple(crates.values()),
    )


def check_cost(costs: Costs, max_cost: float) -> None:
    """InputError when the sandboxes of a plan likely cost more than `max_cost`."""
    likely = costs.sandboxes.likely
    if not likely <= max_cost:
        raise InputError(
            f"the sandboxes likely cost {money_text(likely)} {costs.currency}, "
            f"more than the {money_text(max_cost)} {costs.currency} of --max-cost",
            fix="raise --max-cost, or build fewer crates",
        )


def _crate_cost(crate: str, predicted: float, merged: Settings, size: Size, rates: Rates) -> CrateCost:
    minutes = _guess(likely_minutes(predicted, merged), merged.timeout_minutes)
    return CrateCost(crate=crate, minutes=minutes, sandboxes=minutes.times(rates.minute.get(size, 0.0)))


def _shard_cost(shard: Shard, crates: Sequence[CrateCost]) -> ShardCost:
    """Return the cost of a shard; its job takes as long as all crates one after the other, or as its longest slot."""
    all_minutes, longest = _sum([crate.minutes for crate in crates]), _guess(shard.predicted_minutes)
    slot = Range(**{end: min(value, getattr(longest, end)) for end, value in all_minutes})
    whole = Range(**{end: float(math.ceil(value)) for end, value in _sum([_guess(JOB_MINUTES), slot])})
    return ShardCost(index=shard.index, sandboxes=_sum([crate.sandboxes for crate in crates]), runner_minutes=whole)


def _guess(minutes: float, most: float = math.inf) -> Range:
    return Range(low=minutes / GUESS_FACTOR, likely=minutes, high=min(minutes * GUESS_FACTOR, most))


def _sum(ranges: Collection[Range]) -> Range:
    """Return the range of a sum, to millionths."""
    return Range(**{end: round(math.fsum(getattr(each, end) for each in ranges), 6) for end in Range.model_fields})
