"""Batches in the plan: their crates are in one slot, next to each other, in every kind of plan."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.builds.selection import select_crates
from generator.manifest.models import Manifest
from generator.planning.affected import Reason
from generator.planning.balance import lower_bound
from generator.planning.plan import Plan, make_plan
from tests.planning.test_plan import manifest

Entry = tuple[str, float, str | None]


def fleet(*crates: Entry, slots: int = 3) -> Manifest:
    entries: list[dict[str, object]] = [
        {"name": name, "expected_minutes": minutes, "batch": batch} for name, minutes, batch in crates
    ]
    return manifest(*entries, slots=slots)


SOME = fleet(("a", 3, "g"), ("b", 9, None), ("c", 4, "g"), ("d", 5, None), ("e", 1, None), ("f", 2, "h"))


def shards(plan: Plan) -> list[tuple[object, ...]]:
    return [(shard.predicted_minutes, *shard.crates) for shard in plan.shards]


def test_a_batch_is_one_item_as_long_as_all_its_crates() -> None:
    plan = make_plan(SOME)
    assert shards(plan) == [(9, "b"), (8, "c", "a", "e"), (7, "d", "f")]
    assert plan.lower_bound_minutes == 9
    assert plan.count == 6
    alone = make_plan(fleet(("a", 9, "g"), ("b", 9, "g"), ("c", 1, None)))
    assert (alone.makespan_minutes, alone.lower_bound_minutes) == (18, 18)


@given(st.lists(st.tuples(st.integers(1, 20), st.sampled_from("xyz-")), min_size=1, max_size=12), st.integers(1, 4))
def test_no_batch_is_ever_divided_or_interrupted(crates: list[tuple[int, str]], slots: int) -> None:
    named = [(f"c{at}", minutes, batch.replace("-", "") or None) for at, (minutes, batch) in enumerate(crates)]
    batches = {name: batch for name, _, batch in named}
    for each in (1, 2):
        plan = make_plan(fleet(*named, slots=slots), slots_per_job=each)
        order = [batches[name] or name for shard in plan.shards for name in shard.crates]
        assert len(order) == len(named)
        runs = [name for name, _ in itertools.groupby(order)]
        assert len(runs) == len(set(runs))
    assert plan.makespan_minutes >= lower_bound([minutes for minutes, _ in crates], plan.slots)


@pytest.mark.parametrize(
    ("names", "order"),
    [((), ("b", "c", "a", "d", "f", "e")), (("a", "d"), ("d", "a")), (("c", "a", "d"), ("c", "a", "d"))],
)
def test_a_run_without_a_shard_keeps_batches_together_too(names: tuple[str, ...], order: tuple[str, ...]) -> None:
    assert select_crates(SOME, None, names).names == order


def test_a_shard_of_named_crates_and_a_plan_of_changed_ones_have_what_is_left_of_a_batch() -> None:
    assert {select_crates(SOME, f"{index}/2", ("a", "c", "d")).names for index in (1, 2)} == {("c", "a"), ("d",)}
    reasons = tuple(Reason(crate=name, built=name in "ad", reason="x") for name in "abcdef")
    assert shards(make_plan(SOME, None, reasons)) == [(5, "d"), (3, "a")]
