"""The size auto: the smallest one that the measured peaks fit with a margin, and one size for a batch."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.manifest.models import Manifest
from generator.manifest.values import SIZES, BackendName, Size
from generator.planning.markdown import page
from generator.planning.measurements import Measurement, measured
from generator.planning.plan import make_plan
from generator.planning.prediction import predict
from generator.planning.sizes import FITS_SHARE, SizeMemory, choose_sizes
from generator.planning.table import size_rows
from tests.planning.test_plan import manifest

MIB = 1 << 20
AVAILABLE: SizeMemory = {"small": 2_048, "standard": 4_096, "large": 8_192}


def runs(*mib: int, size: Size = "standard", backend: BackendName = "local") -> tuple[Measurement, ...]:
    return tuple(measured(60, size, backend, each * MIB) for each in mib)


def crates(*names: str, **more: Any) -> Manifest:
    return manifest(*({"name": name, **more} for name in names))


@pytest.mark.parametrize(
    ("peaks", "chosen"),
    [
        ((100,), ("small", "peak of 100 MiB in 1 run")),
        ((100, 1_400, 50), ("small", "peak of 1,400 MiB in 3 runs")),
        ((1_434,), ("standard", "peak of 1,434 MiB in 1 run")),  # above 70 percent of 2,048
        ((3_000,), ("large", "peak of 3,000 MiB in 1 run")),
        ((9_000,), ("large", "peak of 9,000 MiB in 1 run")),  # there is no larger one
        ((0, 0), ("standard", "no measured memory")),
        ((0, 100), ("small", "peak of 100 MiB in 1 run")),
        ((), ("standard", "no measured memory")),
    ],
)
def test_auto_is_the_smallest_size_that_the_highest_peak_fits(peaks: tuple[int, ...], chosen: tuple[Size, str]) -> None:
    assert choose_sizes(crates("one", size="auto"), {"one": runs(*peaks)}, "local", AVAILABLE) == {"one": chosen}


def test_peaks_of_another_backend_count_where_this_one_has_none() -> None:
    fleet, elsewhere = crates("one", size="auto"), runs(3_000, backend="e2b")
    assert choose_sizes(fleet, {"one": elsewhere}, "local", AVAILABLE)["one"] == (
        "large",
        "peak of 3,000 MiB in 1 run elsewhere",
    )
    assert choose_sizes(fleet, {"one": (*elsewhere, *runs(100))}, "local", AVAILABLE)["one"].size == "small"


def test_a_size_from_the_manifest_stays_whatever_was_measured() -> None:
    assert choose_sizes(crates("one", size="large"), {"one": runs(1)}, "local", AVAILABLE) == {"one": ("large", None)}


@given(st.lists(st.integers(0, 20_000), max_size=5), st.integers(0, 20_000))
def test_a_higher_peak_never_leads_to_a_smaller_size(peaks: list[int], more: int) -> None:
    def chosen(each: list[int]) -> Size:
        return choose_sizes(crates("one", size="auto"), {"one": runs(*each)}, "local", AVAILABLE)["one"].size

    size = chosen([*peaks, max(1, *peaks, more)])
    assert SIZES.index(size) >= SIZES.index(chosen([max(1, *peaks)] if peaks else [1]))
    assert size == "large" or max(1, *peaks, more) < FITS_SHARE * AVAILABLE[size]


def test_the_crates_of_a_batch_have_the_largest_size_among_them() -> None:
    fleet = manifest(
        {"name": "one", "size": "auto", "batch": "g"}, {"name": "two", "size": "large", "batch": "g"}, {"name": "three"}
    )
    assert choose_sizes(fleet, {"one": runs(100)}, "local", AVAILABLE) == {
        "one": ("large", "the largest of batch g"),
        "two": ("large", None),
        "three": ("standard", None),
    }


def test_the_plan_shows_the_size_with_its_basis_and_predicts_for_it() -> None:
    fleet = manifest({"name": "one", "size": "auto"}, {"name": "two"})
    memory = {"one": (*runs(100), measured(30, "small", "local", 90 * MIB)), "two": runs(100)}
    plan = make_plan(fleet, memory=memory, sizes=AVAILABLE)
    assert size_rows(plan) == [("one", "small", "peak of 100 MiB in 2 runs")]
    assert "| one | small | peak of 100 MiB in 2 runs |" in page(plan, date(2026, 1, 1))
    one, two = json.loads(plan.model_dump_json())["predictions"]
    assert (one["minutes"], one["size"], one["size_basis"]) == (0.5, "small", "peak of 100 MiB in 2 runs")
    assert two.keys().isdisjoint({"size", "size_basis"})


def test_without_measurements_auto_is_standard() -> None:
    (found,) = predict(crates("one", size="auto"), {}, "e2b", AVAILABLE)
    assert (found.size, found.size_basis) == ("standard", "no measured memory")
