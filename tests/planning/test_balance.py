"""Balancing as a total, deterministic function that is never worse than the longest crate first, and the lower bound."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.planning.balance import balance, grouped, longest_first, lower_bound

minutes_of_crates = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True),
    st.integers(0, 1_000).map(lambda tenths: tenths / 10),
    min_size=1,
    max_size=60,
)


@given(minutes_of_crates, st.integers(1, 40))
def test_every_crate_is_in_exactly_one_shard_and_no_shard_is_empty(minutes: dict[str, float], slots: int) -> None:
    shards = balance(minutes, slots)
    assert sorted(itertools.chain.from_iterable(shard.crates for shard in shards)) == sorted(minutes)
    assert all(shard.crates for shard in shards)
    assert [shard.index for shard in shards] == list(range(1, min(slots, len(minutes)) + 1))


@pytest.mark.parametrize(("slots", "sizes"), [(1, [6]), (3, [2, 2, 2]), (4, [2, 2, 1, 1]), (9, [1] * 6)])
def test_crates_of_no_minutes_are_divided_evenly_and_take_none(slots: int, sizes: list[int]) -> None:
    shards = balance({"a": 0.0, "b": 0.0, "c": 5.0, "d": 0.0, "e": 0.0, "f": 0.0}, slots)
    assert [len(shard.crates) for shard in shards] == sizes
    assert [shard.predicted_minutes for shard in shards] == [5.0, *[0.0] * (len(sizes) - 1)]
    assert shards[0].crates[0] == "c"
    assert lower_bound([0.0, 5.0, 0.0], slots) == 5.0


@given(minutes_of_crates, st.integers(1, 40), st.randoms())
def test_the_order_of_the_manifest_does_not_matter(minutes: dict[str, float], slots: int, random: object) -> None:
    names = list(minutes)
    random.shuffle(names)  # type: ignore[attr-defined]
    assert balance({name: minutes[name] for name in names}, slots) == balance(minutes, slots)


@given(minutes_of_crates, st.integers(1, 40))
def test_the_makespan_is_between_the_lower_bound_and_that_of_the_longest_crate_first(
    minutes: dict[str, float], slots: int
) -> None:
    assert lower_bound(minutes.values(), slots) <= makespan(minutes, slots) <= longest_crate_first(minutes, slots)


@pytest.mark.parametrize("seed", range(5))
def test_no_exchange_of_two_crates_makes_the_longest_shard_shorter(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311
    minutes = {f"c{number}": round(draw.uniform(1, 20), 3) for number in range(60)}
    shards = balance(minutes, 16)
    longest = max(shards, key=lambda shard: shard.predicted_minutes)
    assert longest.predicted_minutes > lower_bound(minutes.values(), 16)
    for other in shards:
        for sent, returned in itertools.product(longest.crates, [*other.crates, None]):
            moved = round(minutes[sent] - (minutes[returned] if returned else 0), 3)
            assert moved <= 0 or round(other.predicted_minutes + moved, 3) >= longest.predicted_minutes


@given(st.lists(st.integers(1, 30), min_size=1, max_size=7), st.integers(1, 3))
def test_the_lower_bound_is_never_above_the_true_optimum(times: list[int], slots: int) -> None:
    best = min(
        max(sum(t for t, slot in zip(times, slots_of, strict=True) if slot == each) for each in range(slots))
        for slots_of in itertools.product(range(slots), repeat=len(times))
    )
    assert lower_bound(times, slots) <= best


@pytest.mark.parametrize(
    ("times", "slots", "bound"),
    [
        ([10, 1, 1], 2, 10),  # the longest crate
        ([4, 4, 4, 4], 2, 8),  # the sum over the slots
        ([5, 5, 5], 2, 10),  # pairing: two of the three longest share a slot
        ([3, 3, 3, 3, 3], 2, 9),  # three of the five longest share a slot
        ([4, 4, 2, 2, 2], 2, 8),  # every slot takes a multiple of two: the sum over the slots is 7
        ([9, 4, 4, 4], 2, 12),  # the longest one shares its slot, or the others share one
    ],
)
def test_each_part_of_the_lower_bound_decides_somewhere(times: list[float], slots: int, bound: float) -> None:
    assert lower_bound(times, slots) == bound


def lognormal(sigma: float) -> Callable[[random.Random], float]:
    return lambda draw: draw.lognormvariate(1.5, sigma)


@pytest.mark.parametrize(
    "duration",
    [lognormal(0.6), lognormal(1.0), lambda draw: draw.uniform(0.5, 20), lambda draw: draw.uniform(10, 20)],
    ids=["lognormal, sigma 0.6", "lognormal, sigma 1.0", "uniform, 0.5 to 20", "uniform, 10 to 20"],
)
@pytest.mark.parametrize(("crates", "slots"), [(110, 30), (1_000, 30)])
def test_the_makespan_is_within_a_hundredth_of_the_lower_bound(
    crates: int, slots: int, duration: Callable[[random.Random], float]
) -> None:
    draw = random.Random(crates)  # noqa: S311
    minutes = {f"c{number}": duration(draw) for number in range(crates)}
    assert makespan(minutes, slots) <= 1.01 * lower_bound(minutes.values(), slots)


def test_the_shards_of_a_fleet_are_the_same_on_every_machine() -> None:
    # Sums of such minutes as floats differ between versions of Python.
    minutes = {f"c{number:02}": 0.1 + number * number % 37 / 7 for number in range(12)}
    assert [(shard.predicted_minutes, *shard.crates) for shard in balance(minutes, 3)] == [
        (8.686, "c06", "c07", "c03", "c01"),
        (8.643, "c08", "c04", "c11", "c02", "c00"),
        (8.585, "c10", "c05", "c09"),
    ]


def test_a_plan_that_cannot_reach_its_bound_ends_after_a_number_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(1)  # noqa: S311
    minutes = {f"c{number}": draw.uniform(1, 20) for number in range(110)}
    made = []
    for steps in (0, 100, 1_000):
        monkeypatch.setattr("generator.planning.balance.MAX_STEPS", steps)
        made.append(makespan(minutes, 30))
    assert made[0] == longest_crate_first(minutes, 30) > made[1] > made[2]


@given(minutes_of_crates, st.integers(1, 20), st.integers(1, 20))
def test_a_job_of_several_slots_that_takes_the_next_crate_ends_when_the_plan_says(
    minutes: dict[str, float], slots: int, size: int
) -> None:
    for shard in grouped(balance(minutes, slots), size, minutes):
        assert one_after_the_other([minutes[name] for name in shard.crates], size) <= shard.predicted_minutes


def test_longest_first_breaks_ties_by_name() -> None:
    assert longest_first({"b": 2, "a": 2, "c": 3}) == ["c", "a", "b"]


def makespan(minutes: dict[str, float], slots: int) -> float:
    return max(shard.predicted_minutes for shard in balance(minutes, slots))


def longest_crate_first(minutes: dict[str, float], slots: int) -> float:
    """Return the makespan of the longest crate first onto the least loaded slot."""
    return one_after_the_other(sorted(minutes.values(), reverse=True), slots)


def one_after_the_other(minutes: Iterable[float], slots: int) -> float:
    """Return the makespan when the next crate goes onto the slot that is free first."""
    loads = [0] * slots
    for each in minutes:
        heapq.heapreplace(loads, loads[0] + round(each * 1000))
    return max(loads) / 1000
