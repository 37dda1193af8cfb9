"""Balancing as a total, deterministic function, and the lower bound."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.planning.balance import balance, longest_first, lower_bound

minutes_of_crates = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True),
    st.integers(1, 1_000).map(lambda tenths: tenths / 10),
    min_size=1,
    max_size=60,
)


@given(minutes_of_crates, st.integers(1, 40))
def test_every_crate_is_in_exactly_one_shard_and_no_shard_is_empty(minutes: dict[str, float], slots: int) -> None:
    shards = balance(minutes, slots)
    assert sorted(itertools.chain.from_iterable(shard.crates for shard in shards)) == sorted(minutes)
    assert all(shard.crates for shard in shards)
    assert [shard.index for shard in shards] == list(range(1, min(slots, len(minutes)) + 1))


@given(minutes_of_crates, st.integers(1, 40), st.randoms())
def test_the_order_of_the_manifest_does_not_matter(minutes: dict[str, float], slots: int, random: object) -> None:
    names = list(minutes)
    random.shuffle(names)  # type: ignore[attr-defined]
    assert balance({name: minutes[name] for name in names}, slots) == balance(minutes, slots)


@given(minutes_of_crates, st.integers(1, 40))
def test_the_makespan_is_within_grahams_bound_of_a_lower_bound_that_holds(
    minutes: dict[str, float], slots: int
) -> None:
    makespan = max(shard.predicted_minutes for shard in balance(minutes, slots))
    bound = lower_bound(list(minutes.values()), slots)
    assert bound <= makespan + 1e-6
    # Graham 1969: LPT <= (4/3 - 1/3m) of the optimum, and list scheduling <= sum/m + longest.
    assert makespan <= sum(minutes.values()) / slots + max(minutes.values()) + 1e-6


@given(st.lists(st.integers(1, 30), min_size=1, max_size=7), st.integers(1, 3))
def test_the_lower_bound_is_never_above_the_true_optimum(times: list[int], slots: int) -> None:
    best = min(
        max(sum(t for t, slot in zip(times, slots_of, strict=True) if slot == each) for each in range(slots))
        for slots_of in itertools.product(range(slots), repeat=len(times))
    )
    assert lower_bound([float(t) for t in times], slots) <= best


@pytest.mark.parametrize(
    ("times", "slots", "bound"),
    [
        ([10, 1, 1], 2, 10),  # the longest crate
        ([4, 4, 4, 4], 2, 8),  # the sum over the slots
        ([5, 5, 5], 2, 10),  # pairing: two of the three longest share a slot
        ([3, 3, 3, 3, 3], 2, 9),  # three of the five longest share a slot
    ],
)
def test_each_part_of_the_lower_bound_decides_somewhere(times: list[float], slots: int, bound: float) -> None:
    assert lower_bound(times, slots) == bound


def test_longest_first_breaks_ties_by_name() -> None:
    assert longest_first({"b": 2, "a": 2, "c": 3}) == ["c", "a", "b"]
