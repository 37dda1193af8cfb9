"""Predicted against actual times in a report: of crates, shards and the fleet."""

from __future__ import annotations

import json
from typing import Any

import pytest

from generator.github_actions.links import RunLinks
from generator.reports.markdown import page
from generator.reports.merging import merge
from generator.reports.models import CrateReport, Report
from generator.reports.predictions import comparisons, rows, shard_times, times_line


def crate(name: str, predicted: float | None, seconds: float, **more: Any) -> CrateReport:
    fields: dict[str, Any] = {"version": "1.0.0", "kind": "lib", "state": "built", "attempts": 1, **more}
    return CrateReport(name=name, predicted_seconds=predicted, seconds=seconds, **fields)


def report(*crates: CrateReport, shard: str | None = None) -> Report:
    return Report(backend="local", isolated=True, seconds=1.0, crates=crates, shard=shard)


MERGED = merge(
    [
        report(crate("one", 600, 540), crate("two", 60, 120), shard="1/3"),
        report(crate("three", 600, 750), shard="2/3"),
        report(crate("four", 600, 5, state="failed"), crate("five", None, 7), shard="3/3"),
    ]
)


def test_a_merged_report_compares_each_shard_the_longest_and_all_crates() -> None:
    assert rows(MERGED) == [
        ("shard 1/3", "11 min", "11 min", "+0.0 %"),
        ("shard 2/3", "10 min", "12 min 30 s", "-20.0 %"),
        ("longest shard", "11 min", "12 min 30 s", "-12.0 %"),
        ("all crates", "21 min", "23 min 30 s", "-10.6 %"),
    ]
    assert times_line(MERGED) == (
        "longest shard: predicted 11 min, actual 12 min 30 s; "
        "all crates: predicted 21 min, actual 23 min 30 s (3 built crates)"
    )
    assert "| longest shard | 11 min | 12 min 30 s | -12.0 % |" in page(MERGED, RunLinks(), ()).replace("\\", "")


def test_a_shard_and_a_whole_run_have_one_line() -> None:
    one = crate("one", 60, 30)
    assert times_line(report(one, shard="2/3")) == ("shard 2/3: predicted 1 min, actual 30 s (1 built crate)")
    assert times_line(report(one)) == "all crates: predicted 1 min, actual 30 s (1 built crate)"


@pytest.mark.parametrize(
    "other",
    [
        crate("a", 60, 30, state="failed"),
        crate("a", None, 30),
        crate("a", 60, 30, attempts=0),
        crate("a", 60, 0),
        crate("a", 60, -5),
    ],
)
def test_what_was_not_built_or_not_predicted_does_not_count(other: CrateReport) -> None:
    assert times_line(report(other)) is None
    assert comparisons(report(other)) == []
    assert shard_times(report(other, shard="1/1")) is None
    assert "predicted" not in page(report(other), RunLinks(), ())


def test_the_shards_are_in_the_json_of_a_merged_report() -> None:
    read = Report.model_validate_json(MERGED.model_dump_json())
    assert read == MERGED
    assert json.loads(MERGED.model_dump_json())["shards"][1] == {
        "shard": "2/3", "predicted_seconds": 600.0, "seconds": 750.0
    }  # fmt: skip
