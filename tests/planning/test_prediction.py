"""Predictions from measured times: medians, other sizes and backends, crates that were never built."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from generator.manifest.models import Manifest
from generator.manifest.values import BackendName, Size
from generator.planning.markdown import page
from generator.planning.measurements import MAX_MEASUREMENTS, Measurement, last_measurements, measured
from generator.planning.plan import make_plan
from generator.planning.prediction import predict
from generator.planning.table import prediction_rows, summary
from tests.planning.test_plan import manifest

Times = dict[str, tuple[Measurement, ...]]


def runs(*minutes: float, size: Size = "standard", backend: BackendName = "local") -> tuple[Measurement, ...]:
    return tuple(measured(each * 60, size, backend) for each in minutes)


def predicted(of: Manifest, memory: Times, backend: BackendName = "local") -> dict[str, tuple[float, str]]:
    return {each.crate: (each.minutes, each.basis) for each in predict(of, memory, backend)}


def crates(*names: str, **more: Any) -> Manifest:
    return manifest(*({"name": name, **more} for name in names))


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ([4.0], (4.0, "1 run")),
        ([4.0, 5.0], (4.5, "median of 2 runs")),
        ([4.0, 90.0, 5.0], (5.0, "median of 3 runs")),
        ([4.0, 4.2, 0.01, 4.1, 900.0], (4.1, "median of 5 runs")),
    ],
)
def test_a_measured_crate_takes_the_median_which_no_outlier_moves(
    minutes: list[float], expected: tuple[float, str]
) -> None:
    assert predicted(crates("one"), {"one": runs(*minutes)}) == {"one": expected}


def test_nothing_known_is_the_manifests_estimate_unchanged() -> None:
    assert predicted(crates("one", expected_minutes=0.0123), {}) == {"one": (0.0123, "expected_minutes")}
    of_another = crates("one", kind="wasm", expected_minutes=7).model_copy(
        update={"crates": (*crates("one", kind="wasm", expected_minutes=7).crates, *crates("two").crates)}
    )
    assert predicted(of_another, {"two": runs(1)})["one"] == (7, "expected_minutes")


def test_only_runs_of_the_same_size_and_backend_count_if_there_are_any() -> None:
    memory = {"one": (*runs(8, size="small"), *runs(4), *runs(2, backend="e2b"))}
    assert predicted(crates("one"), memory) == {"one": (4.0, "1 run")}
    assert predicted(crates("one"), memory, "e2b") == {"one": (2.0, "1 run")}
    assert predicted(crates("one", size="small"), memory) == {"one": (8.0, "1 run")}


def test_a_size_that_was_not_measured_is_scaled_by_the_crates_that_were_measured_on_both() -> None:
    both = {f"c{n}": (*runs(10, size="small"), *runs(10 / ratio)) for n, ratio in enumerate((2.0, 2.0, 50.0))}
    memory = {**both, "one": runs(6, 7, 8, size="small")}
    found = predicted(crates("one", "c0", "c1", "c2"), memory)["one"]
    assert found == (3.5, "median of 3 runs at local, size small, scaled by 3 crates")


def test_without_such_crates_another_size_is_taken_as_it_is_and_the_last_one_first() -> None:
    memory = {"one": (*runs(9, size="large"), *runs(6, size="small"))}
    assert predicted(crates("one"), memory)["one"] == (6.0, "1 run at local, size small")
    assert predicted(crates("one"), memory, "e2b")["one"] == (6.0, "1 run at local, size small")
    both = {"two": (*runs(3, size="large"), *runs(6))}
    found = predicted(crates("one", "two"), {**memory, **both})["one"]
    assert found == (18.0, "1 run at local, size large, scaled by 1 crate")


def test_a_crate_that_was_never_built_is_like_those_of_its_kind_that_share_a_dependency() -> None:
    fleet = manifest(
        {"name": "base"},
        {"name": "quick", "kind": "napi"},
        {"name": "slow1", "kind": "napi", "depends_on": ["base"]},
        {"name": "slow2", "kind": "napi", "depends_on": ["base", "quick"]},
        {"name": "web", "kind": "wasm", "depends_on": ["base"]},
        {"name": "new", "kind": "napi", "depends_on": ["base"], "expected_minutes": 99},
        {"name": "alone", "kind": "napi"},
        {"name": "odd", "kind": "napi", "depends_on": ["web"]},
    )
    memory = {"base": runs(1), "quick": runs(2), "slow1": runs(10), "slow2": runs(20), "web": runs(50)}
    found = predicted(fleet, memory)
    assert found["new"] == (15.0, "like 2 crates of kind napi with a common dependency")
    assert found["alone"] == found["odd"] == (10.0, "like 3 crates of kind napi")


def test_a_prediction_has_the_measurements_and_at_most_the_last_ones_are_kept() -> None:
    many = runs(*range(1, 9))
    assert last_measurements(many) == many[-MAX_MEASUREMENTS:] == runs(4, 5, 6, 7, 8)
    (found,) = predict(crates("one"), {"one": many[-MAX_MEASUREMENTS:]}, "local")
    assert found.measurements == runs(4, 5, 6, 7, 8)


@pytest.mark.parametrize(
    "seconds", ["NaN", "Infinity", "-Infinity", "-1", "0", "1e999", '"1"', "true", "null", "604801"]
)
def test_a_measurement_is_a_time_that_can_be(seconds: str) -> None:
    with pytest.raises(ValidationError):
        Measurement.model_validate_json(f'{{"seconds": {seconds}, "size": "small", "backend": "local"}}')


@pytest.mark.parametrize("seconds", [0.0, 1e-9, 1e9])
def test_every_time_of_a_clock_can_be_measured(seconds: float) -> None:
    assert 0 < measured(seconds, "small", "e2b").seconds <= 604_800


MEASUREMENT = st.builds(
    measured,
    st.floats(0.001, 604_800),
    st.sampled_from(["small", "standard", "large"]),
    st.sampled_from(["local", "e2b"]),
)


@given(st.dictionaries(st.sampled_from(["one", "two", "three", "other"]), st.lists(MEASUREMENT, max_size=5).map(tuple)))
def test_every_crate_has_a_finite_prediction_whatever_was_measured(memory: Times) -> None:
    plan = make_plan(crates("three", "one", "two"), None, (), memory)
    assert [each.crate for each in plan.predictions] == ["one", "three", "two"]
    assert all(0 <= each.minutes < float("inf") and each.basis for each in plan.predictions)
    assert sorted(name for shard in plan.shards for name in shard.crates) == ["one", "three", "two"]


def test_the_plan_says_the_minutes_of_each_crate_and_their_basis() -> None:
    fleet = crates("one", "two", "three")
    assert prediction_rows(make_plan(fleet)) == []
    plan = make_plan(fleet, 2, (), {"one": runs(2), "two": runs(6, 6)})
    assert prediction_rows(plan) == [
        ("two", "6", "median of 2 runs"),
        ("three", "4", "like 2 crates of kind lib"),
        ("one", "2", "1 run"),
    ]
    assert [shard.crates for shard in plan.shards] == [("two",), ("three", "one")]
    assert "\npredicted from measured times of 2 of 3 crates\n" in summary(plan)
    assert "| two | 6 | median of 2 runs |" in page(plan, date(2026, 11, 28))
    assert json.loads(plan.model_dump_json())["predictions"][0] == {
        "crate": "one", "minutes": 2.0, "basis": "1 run",
        "measurements": [{"seconds": 120.0, "size": "standard", "backend": "local"}],
    }  # fmt: skip


def test_after_three_runs_the_fleet_is_predicted_within_ten_percent() -> None:
    """110 crates with scripted times: each run has noise of 8 percent, and every tenth build is three times as long."""
    names = [f"c{number}" for number in range(110)]
    fleet = crates(*names)
    true = {name: 0.5 + (number * 37 % 110) / 10 for number, name in enumerate(names)}

    def minutes(name: str, run: int) -> float:
        number = int(name[1:])
        noise = 1 + ((number * 7 + run * 13) % 17 - 8) / 100
        return true[name] * noise * (3 if (number + 3 * run) % 10 == 0 else 1)

    memory: Times = {}
    for run in range(3):
        memory = {name: last_measurements((*memory.get(name, ()), *runs(minutes(name, run)))) for name in names}
    plan = make_plan(fleet, 30, (), memory)
    for shard in plan.shards:
        actual = sum(true[name] for name in shard.crates)
        assert abs(shard.predicted_minutes - actual) / actual <= 0.1
    assert abs(sum(each.minutes for each in plan.predictions) / sum(true.values()) - 1) <= 0.1
