"""The crates of one run: all, named ones, or a shard of a plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from generator.errors import InputError
from generator.manifest.models import Manifest
from generator.planning.batches import batches_of, longest_items_first
from generator.planning.plan import Plan, make_plan, minutes_of, only, shard_crates, shard_numbers
from generator.planning.prediction import Prediction
from generator.reports.memory import report_name
from generator.text import counted


@dataclass(frozen=True)
class Selection:
    """The crates of one run, longest first, and the shard "I/N" that they are, if any.

    `minutes` has all crates of the run, also of its other shards, with the minutes in which its jobs agree.
    """

    names: tuple[str, ...]
    shard: str | None = None
    minutes: Mapping[str, float] = field(default_factory=dict)

    @property
    def report_name(self) -> str:
        """Name of the report file, different for each shard of a run."""
        return report_name(self.shard)


def select_crates(
    manifest: Manifest,
    shard: str | None = None,
    crates: tuple[str, ...] = (),
    plan: Plan | None = None,
    predictions: tuple[Prediction, ...] = (),
    slots_per_job: int = 1,
) -> Selection:
    """Return the crates with these names, or all without names; of them the part `shard`, written I/N.

    With a plan, the part is that of the plan. Without one, it follows from the manifest alone, for N jobs of
    `slots_per_job` slots: each job has other measurements, and all must agree. `predictions` decide the order of crates
    without a shard.

    InputError for an unknown crate or shard.
    """
    if plan is not None:
        return _planned(manifest, plan, shard, crates)
    minutes = known_minutes(manifest, () if shard else predictions)
    wanted = frozenset(crates or minutes)
    if unknown := sorted(wanted - minutes.keys()):
        near = get_close_matches(unknown[0], minutes, 1)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        raise InputError(f"the manifest has no crate {', '.join(unknown)}{hint}", fix="cratematrix plan")
    whole = {name: each for name, each in minutes.items() if name in wanted}
    if not shard:
        return Selection(longest_items_first(whole, batches_of(manifest.crates)), minutes=whole)
    index, count = shard_numbers(shard)
    divided = make_plan(only(manifest, wanted), count * slots_per_job, slots_per_job=slots_per_job)
    return Selection(shard_crates(divided, index), shard, whole)


def _planned(manifest: Manifest, plan: Plan, shard: str | None, crates: tuple[str, ...]) -> Selection:
    """Return the crates of a shard in a plan; InputError if the plan has another number of shards."""
    if not shard or crates:
        raise InputError("a plan says which crates a shard builds: use --plan with --shard I/N and without --crate")
    index, count = shard_numbers(shard)
    if count != len(plan.shards) or index > count:
        raise InputError(
            f"the plan has {counted(len(plan.shards), 'shard')}, and {shard} is not one of them",
            fix="cratematrix generate, or take a shard from the plan's matrix",
        )
    minutes = known_minutes(manifest, plan.predictions)
    whole = {name: minutes[name] for each in plan.shards for name in each.crates}
    return Selection(shard_crates(plan, index), shard, whole)


def known_minutes(manifest: Manifest, predictions: Iterable[Prediction]) -> dict[str, float]:
    """Return the minutes of each crate: predicted, or those of the manifest."""
    return {crate.name: crate.expected_minutes for crate in manifest.crates} | minutes_of(predictions)
