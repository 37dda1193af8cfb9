"""The plan: a pure, total and deterministic function of the manifest and of measurements.

Its JSON is complete: every job of a run takes its shard from one file, so that all jobs agree.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final, Literal

from pydantic import Field, computed_field

from generator.errors import InputError
from generator.manifest.crate_models import Quarantine
from generator.manifest.models import Manifest
from generator.manifest.settings import settings
from generator.manifest.values import BackendName, Size
from generator.planning.affected import Reason, fits_in_variable
from generator.planning.balance import Shard, balance, grouped, lower_bound
from generator.planning.batches import batches_of, items_of
from generator.planning.costs import Costs, Rates, plan_costs
from generator.planning.explanation import Explanation
from generator.planning.limits import Limit, plan_limits
from generator.planning.measurements import Memory
from generator.planning.prediction import Prediction, predict, with_unchanged
from generator.planning.sizes import NO_SIZES, SizeMemory
from generator.platforms import UNSUPPORTED_REASONS, PlatformName
from generator.strict import Strict


class Skipped(Strict):
    """A unit of the fleet's platforms that is not built."""

    crate: str
    platform: PlatformName
    reason: str


class Quarantined(Quarantine):
    """The quarantine of a crate of the plan, which is built as any other."""

    crate: str


class Job(Strict):
    """One job of a workflow's matrix; `shard` is the value of its `build --shard`."""

    index: int
    shard: str


class Matrix(Strict):
    """The value of `strategy.matrix` in a GitHub workflow: one job for each shard."""

    include: tuple[Job, ...]


class Plan(Strict):
    """The versioned JSON of `plan --json`; minutes are predictions.

    `reasons` has every crate of the manifest with `--changed-since`. Without it, `reasons` is empty and every crate
    is built. `predictions` has every crate of the manifest, also those that are not built. A shard is one job with
    `slots_per_job` slots, and also has unchanged crates, whose packages its job takes over. `costs` and `limits` are
    there where prices were given, and `explained` with `--explain`.
    """

    plan_version: Literal[1] = 1
    slots: int
    shards: tuple[Shard, ...]
    makespan_minutes: float
    lower_bound_minutes: float
    skipped: tuple[Skipped, ...]
    reasons: tuple[Reason, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    predictions: tuple[Prediction, ...] = ()
    slots_per_job: int = Field(default=1, ge=1)
    costs: Costs | None = None
    limits: tuple[Limit, ...] = ()
    explained: Explanation | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def count(self) -> int:
        """Number of crates in the shards."""
        return sum(len(shard.crates) for shard in self.shards)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def unchanged(self) -> int:
        """Number of crates in the shards that did not change and are not built."""
        return sum(1 for each in self.planned if each.unchanged_since)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def crates(self) -> str:
        """Names for `build --crate` in an environment variable, with spaces between; empty if they are too long."""
        names = sorted(name for shard in self.shards for name in shard.crates)
        return " ".join(names) if fits_in_variable(names) else ""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def matrix(self) -> Matrix:
        """The shards as jobs. Each job gets all names in `crates`, and `build --shard` takes its own."""
        last = len(self.shards)
        return Matrix(include=tuple(Job(index=each.index, shard=f"{each.index}/{last}") for each in self.shards))

    @computed_field  # type: ignore[prop-decorator]
    @property
    def gap_minutes(self) -> float:
        """Makespan minus the lower bound; 0 is proven to be optimal."""
        return round(self.makespan_minutes - self.lower_bound_minutes, 3)

    @property
    def ratio(self) -> float:
        """Makespan divided by the lower bound; 1.0 is proven to be optimal."""
        return self.makespan_minutes / self.lower_bound_minutes if self.lower_bound_minutes else 1.0

    @property
    def planned(self) -> tuple[Prediction, ...]:
        """The predictions of the crates in the shards."""
        names = {name for shard in self.shards for name in shard.crates}
        return tuple(each for each in self.predictions if each.crate in names)


NOTHING_MEASURED: Final[Memory] = {}
NONE_UNCHANGED: Final[Mapping[str, str]] = {}


def make_plan(
    manifest: Manifest,
    slots: int | None = None,
    reasons: tuple[Reason, ...] = (),
    memory: Memory = NOTHING_MEASURED,
    backend: BackendName = "local",
    slots_per_job: int | None = None,
    sizes: SizeMemory = NO_SIZES,
    unchanged: Mapping[str, str] = NONE_UNCHANGED,
) -> Plan:
    """Balance the crates of the manifest over `slots` slots, and these over jobs, by default as the fleet has them.

    The number of slots is rounded up to that of full jobs. With `reasons`, only crates with `built` are in the plan.
    Minutes are predicted for a backend, from the measurements in `memory`. `sizes` are those that `size: auto` chooses
    from. The crates of a batch are in one slot. `unchanged` are crates that take no minutes, each with the builds since
    which it did not change.
    """
    count = slots or manifest.fleet.slots
    each = min(slots_per_job or manifest.fleet.slots_per_job, count)
    predictions = with_unchanged(predict(manifest, memory, backend, sizes), unchanged)
    return _plan(manifest, each * math.ceil(count / each), each, reasons, predictions)


def with_costs(plan: Plan, manifest: Manifest, rates: Rates) -> Plan:
    """Return the plan with its costs, and with the limits of the accounts that its jobs meet."""
    minutes, sizes = minutes_of(plan.predictions), sizes_of(plan.predictions)
    costs = plan_costs(manifest, plan.shards, minutes, rates, sizes)
    if plan.slots_per_job > 1:
        alone = _plan(manifest, plan.slots, 1, plan.reasons, plan.predictions)
        single = plan_costs(manifest, alone.shards, minutes, rates, sizes).runner_minutes
        costs = costs.model_copy(update={"runner_minutes_of_single_slots": single})
    limits = plan_limits(manifest, costs, plan.makespan_minutes, rates.runners, plan.slots_per_job)
    return plan.model_copy(update={"costs": costs, "limits": limits})


def only(manifest: Manifest, names: Collection[str]) -> Manifest:
    """Return the manifest with only these crates, none if there are no names."""
    return manifest.model_copy(update={"crates": tuple(crate for crate in manifest.crates if crate.name in names)})


def minutes_of(predictions: Iterable[Prediction]) -> dict[str, float]:
    """Return the predicted minutes by crate."""
    return {each.crate: each.minutes for each in predictions}


def sizes_of(predictions: Iterable[Prediction]) -> dict[str, Size]:
    """Return the size of each crate's sandbox where the manifest does not name it."""
    return {each.crate: each.size for each in predictions if each.size}


def _plan(
    fleet: Manifest,
    count: int,
    slots_per_job: int,
    reasons: tuple[Reason, ...],
    predictions: tuple[Prediction, ...],
) -> Plan:
    left_out = {reason.crate for reason in reasons if not reason.built}
    manifest = only(fleet, {crate.name for crate in fleet.crates} - left_out)
    predicted = minutes_of(predictions)
    minutes = {crate.name: predicted[crate.name] for crate in manifest.crates}
    items = items_of(minutes, batches_of(manifest.crates))
    shards = balance(items.minutes, count)
    if slots_per_job > 1:
        shards = grouped(shards, slots_per_job, items.minutes)
    shards = tuple(shard.model_copy(update={"crates": items.crates(shard.crates)}) for shard in shards)
    return Plan(
        slots=count,
        slots_per_job=slots_per_job,
        shards=shards,
        makespan_minutes=max((shard.predicted_minutes for shard in shards), default=0.0),
        lower_bound_minutes=lower_bound(items.minutes.values(), count),
        skipped=tuple(
            Skipped(crate=crate.name, platform=platform, reason=UNSUPPORTED_REASONS[crate.kind])
            for crate in sorted(manifest.crates, key=lambda each: each.name)
            for platform in settings(manifest.fleet, crate).not_for_kind
        ),
        reasons=reasons,
        quarantined=tuple(
            Quarantined(crate=crate.name, **crate.quarantine.model_dump())
            for crate in sorted(manifest.crates, key=lambda each: each.name)
            if crate.quarantine
        ),
        predictions=predictions,
    )


def shard_numbers(text: str) -> tuple[int, int]:
    """Return I and N of a shard "I/N"; InputError for any other text."""
    if not (found := re.fullmatch(r"([1-9]\d{0,3})/([1-9]\d{0,3})", text)):
        raise InputError(f"{text!r} is not a shard: write I/N, such as 1/30")
    return int(found[1]), int(found[2])


def shard_crates(plan: Plan, index: int) -> tuple[str, ...]:
    """Return the crates of shard `index`, none if there are fewer shards; InputError outside of the jobs."""
    jobs = plan.slots // plan.slots_per_job
    if not 1 <= index <= jobs:
        raise InputError(f"shard {index}/{jobs} does not exist", fix=f"use 1/{jobs} to {jobs}/{jobs}")
    return next((shard.crates for shard in plan.shards if shard.index == index), ())
