"""The plan: crates balanced over slots by a pure, total and deterministic function of the manifest.

Every job computes the whole plan and takes its part, so that no two jobs can disagree.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection
from typing import Literal

from pydantic import computed_field

from generator.errors import InputError
from generator.manifest.models import Manifest
from generator.manifest.settings import settings
from generator.planning.affected import Reason, fits
from generator.platforms import WHY_NOT, PlatformName
from generator.strict import Strict


class Shard(Strict):
    """What one slot builds, longest crate first; `index` counts from 1."""

    index: int
    crates: tuple[str, ...]
    predicted_minutes: float


class Skipped(Strict):
    """A unit that is in the fleet's platforms and is not built."""

    crate: str
    platform: PlatformName
    reason: str


class Job(Strict):
    """One job of a workflow's matrix; `shard` is what its `build --shard` takes."""

    index: int
    shard: str


class Matrix(Strict):
    """What `strategy.matrix` of a GitHub workflow takes: one job for each shard."""

    include: tuple[Job, ...]


class Plan(Strict):
    """The versioned shape that `plan --json` prints; minutes are predictions from `expected_minutes`.

    `reasons` has every crate of the manifest where it was asked what a change affects; else it is empty, and every
    crate is built.
    """

    plan_version: Literal[1] = 1
    slots: int
    shards: tuple[Shard, ...]
    makespan_minutes: float
    lower_bound_minutes: float
    skipped: tuple[Skipped, ...]
    reasons: tuple[Reason, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def count(self) -> int:
        """How many crates are built."""
        return sum(len(shard.crates) for shard in self.shards)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def crates(self) -> str:
        """Names for `build --crate` by variable, with spaces between; empty where they are all of too large a fleet."""
        names = sorted(name for shard in self.shards for name in shard.crates)
        return " ".join(names) if fits(names) else ""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def matrix(self) -> Matrix:
        """The shards as jobs. Each gets `crates` as a whole, of which `build --shard` takes its part."""
        last = len(self.shards)
        return Matrix(include=tuple(Job(index=each.index, shard=f"{each.index}/{last}") for each in self.shards))

    @property
    def ratio(self) -> float:
        """Makespan over lower bound: 1.0 is proven to be the best possible."""
        return self.makespan_minutes / self.lower_bound_minutes if self.shards else 1.0


def make_plan(manifest: Manifest, slots: int | None = None, reasons: tuple[Reason, ...] = ()) -> Plan:
    """Balance crates of the manifest over `slots` slots (the fleet's own number when it is not given).

    Every crate, or those that `reasons` has as built.
    """
    left_out = {reason.crate for reason in reasons if not reason.built}
    return _plan(only(manifest, {crate.name for crate in manifest.crates} - left_out), slots, reasons)


def only(manifest: Manifest, names: Collection[str]) -> Manifest:
    """Return the manifest with these crates alone, none of them where there are no names."""
    return manifest.model_copy(update={"crates": tuple(crate for crate in manifest.crates if crate.name in names)})


def _plan(manifest: Manifest, slots: int | None, reasons: tuple[Reason, ...]) -> Plan:
    count = slots or manifest.fleet.slots
    minutes = {crate.name: crate.expected_minutes for crate in manifest.crates}
    shards = balance(minutes, count)
    return Plan(
        slots=count,
        shards=shards,
        makespan_minutes=max((shard.predicted_minutes for shard in shards), default=0.0),
        lower_bound_minutes=lower_bound(list(minutes.values()), count),
        skipped=tuple(
            Skipped(crate=crate.name, platform=platform, reason=WHY_NOT[crate.kind])
            for crate in sorted(manifest.crates, key=lambda each: each.name)
            for platform in settings(manifest.fleet, crate).not_for_kind
        ),
        reasons=reasons,
    )


def longest_first(minutes: dict[str, float]) -> list[str]:
    """Names by falling minutes; equal ones by name, so that the order never depends on the manifest's."""
    return sorted(minutes, key=lambda name: (-minutes[name], name))


def balance(minutes: dict[str, float], slots: int) -> tuple[Shard, ...]:
    """Give the longest crate first to the least loaded slot (Graham's LPT: at most 4/3 of the best makespan).

    Equal loads go to the lower index. There are never more shards than crates, so none is empty.
    """
    queue = [(0.0, index) for index in range(min(slots, len(minutes)))]
    parts: list[list[str]] = [[] for _ in queue]
    for name in longest_first(minutes):
        load, index = heapq.heappop(queue)
        parts[index].append(name)
        heapq.heappush(queue, (load + minutes[name], index))
    return tuple(
        Shard(index=index + 1, crates=tuple(names), predicted_minutes=_rounded(sum(minutes[name] for name in names)))
        for index, names in enumerate(parts)
    )


def lower_bound(minutes: list[float], slots: int) -> float:
    """Return minutes that no assignment to `slots` slots can beat; 0 for no crates.

    The largest of: the longest crate; the sum divided by the slots; and, for every k, the pairing bound: of the
    k·slots + 1 longest crates some slot gets k + 1, which last at least as long as the k + 1 shortest of them.
    """
    if not minutes:
        return 0.0
    ordered = sorted(minutes, reverse=True)
    bound = max(ordered[0], sum(ordered) / slots)
    for k in range(1, (len(ordered) - 1) // slots + 1):
        bound = max(bound, sum(ordered[k * slots - k : k * slots + 1]))
    return _rounded(bound)


def shard_crates(plan: Plan, index: int) -> tuple[str, ...]:
    """Return the crates of shard `index`, none when there are fewer shards; InputError outside 1 to slots."""
    if not 1 <= index <= plan.slots:
        raise InputError(
            f"shard {index}/{plan.slots} does not exist", fix=f"give 1/{plan.slots} to {plan.slots}/{plan.slots}"
        )
    return next((shard.crates for shard in plan.shards if shard.index == index), ())


def _rounded(minutes: float) -> float:
    # Sums of decimal minutes would otherwise print as 12.600000000000001.
    return round(minutes, 3)
