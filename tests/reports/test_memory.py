"""Measurements in reports and indexes: what is read, what is refused, and what a run keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from generator.errors import InputError
from generator.planning.measurements import Measurement, Remembered
from generator.planning.prediction import Prediction, predict, with_unchanged
from generator.reports.index import read_index
from generator.reports.memory import MAX_BYTES, find_inputs, find_memory, load_inputs, load_memory, read_memory
from generator.reports.models import CrateReport, Report
from generator.reports.predictions import remembered, with_times
from tests.planning.test_prediction import runs
from tests.reports.test_index import BUILT, index_of, manifest


def report_of(*crates: CrateReport, **more: Any) -> Report:
    return Report(backend="local", isolated=True, seconds=1.0, crates=crates, **more)


def prediction(*measurements: Measurement, name: str = "one", minutes: float = 1.0) -> Prediction:
    return Prediction(crate=name, minutes=minutes, basis="x", measurements=measurements)


def test_a_build_appends_its_time_to_the_last_five() -> None:
    before = runs(1, 2, 3, 4, 5)
    report = with_times(BUILT, prediction(*before, minutes=0.25), "e2b")
    assert report.predicted_seconds == 15
    own = Measurement(seconds=12.0, size="large", backend="e2b", peak_memory=5)
    assert report.measurements == (*before[1:], own)
    assert with_times(BUILT, None, "e2b").measurements == (own,)
    assert with_times(BUILT, None, "e2b").predicted_seconds is None


def test_a_failure_is_no_measurement_and_a_reused_crate_keeps_those_it_has() -> None:
    before = runs(1, 2)
    failed = with_times(BUILT.model_copy(update={"state": "failed"}), prediction(*before), "local")
    assert (failed.measurements, failed.predicted_seconds) == (before, 60)
    reused = with_times(BUILT.model_copy(update={"attempts": 0}), prediction(*before), "local")
    assert (reused.measurements, reused.predicted_seconds) == (before, None)
    taken = BUILT.model_copy(update={"attempts": 0, "measurements": before})
    assert with_times(taken, prediction(), "local").measurements == before


def test_measurements_go_through_a_report_and_an_index_to_the_next_plan() -> None:
    report = report_of(
        with_times(BUILT, prediction(*runs(1)), "e2b"), remembered=(Remembered(name="two", measurements=runs(3)),)
    )
    expected = {"one": (*runs(1), Measurement(seconds=12.0, size="large", backend="e2b", peak_memory=5))}
    content = report.model_dump_json().encode()
    assert read_memory(content, "report.json") == {**expected, "two": runs(3)}
    index = index_of(*report.crates)
    assert read_index(index.content, "x").crates[0].measurements == expected["one"]
    assert read_memory(index.content, "fleet.json") == expected
    (found,) = predict(manifest("one"), read_memory(index.content, "fleet.json"), "local")
    assert (found.minutes, found.basis) == (1.0, "1 run")


def test_a_plan_predicts_no_time_for_a_crate_that_it_takes_for_unchanged() -> None:
    (same,) = with_unchanged((prediction(*runs(1)),), {"one": "v1.0.0"})
    built = with_times(BUILT, same, "local")
    assert (built.predicted_seconds, len(built.measurements)) == (None, 2)


def test_a_run_of_some_crates_forgets_no_other() -> None:
    predictions = (prediction(*runs(1)), prediction(*runs(2), name="two"), prediction(name="three"))
    assert remembered(predictions, {"one"}) == (Remembered(name="two", measurements=runs(2)),)


def test_what_a_later_version_adds_is_not_in_the_way() -> None:
    content = {"report_version": 1, "new": [1], "crates": [{"name": "one", "new": 2}]}
    assert read_memory(json.dumps(content).encode(), "report.json") == {}


def crate(measurement: str) -> bytes:
    return f'{{"report_version": 1, "crates": [{{"name": "one", "measurements": [{measurement}]}}]}}'.encode()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"{}", b"\xff", b'{"crates": []}', b'{"report_version": 2, "crates": []}', b'{"index_version": 2, "crates": []}',
        b'{"report_version": 1, "crates": [{"name": "../x"}]}',
        *(crate(f'{{"seconds": {each}, "size": "small", "backend": "local"}}') for each in ("NaN", "Infinity", "-5", "1e400", "[]")),
        crate('{"seconds": 1.0, "size": "huge", "backend": "local"}'),
        crate('{"seconds": 1.0, "size": "small", "backend": "local", "more": 1}'),
        crate(", ".join(['{"seconds": 1.0, "size": "small", "backend": "local"}'] * 6)),
    ],
)  # fmt: skip
@pytest.mark.attack("a file with times that cannot be decides nothing")
def test_hostile_files_are_refused_in_one_sentence(content: bytes) -> None:
    with pytest.raises(InputError, match=r"^report\.json is neither a report nor a fleet index[^\n]*$"):
        read_memory(content, "report.json")


def test_an_oversized_file_and_one_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="larger than 64 MiB"):
        read_memory(b" " * (MAX_BYTES + 1), "report.json")
    with pytest.raises(InputError, match="cannot be read"):
        load_memory(tmp_path)


def test_the_report_of_the_output_directory_serves_if_it_is_of_this_fleet(tmp_path: Path) -> None:
    fleet = manifest("one")
    assert find_memory(tmp_path / "dist", fleet) == ({}, None)
    assert not (tmp_path / "dist").exists()
    report = tmp_path / "report.json"
    report.write_text(report_of(with_times(BUILT, None, "local")).model_dump_json())
    memory, note = find_memory(tmp_path, fleet)
    assert ([*memory], note) == (["one"], None)
    memory, note = find_memory(tmp_path, manifest("other"))
    assert (memory, note) == ({}, f"{report} measured no crate of this manifest: nothing is predicted from it")
    report.write_text(report_of(BUILT).model_dump_json())
    assert find_memory(tmp_path, manifest("other")) == ({}, None)
    report.write_text("{")
    memory, note = find_memory(tmp_path, fleet)
    assert memory == {}
    assert note is not None
    assert note.startswith(f"{report} is neither a report nor a fleet index: ")


def test_a_link_in_place_of_the_report_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text(report_of(with_times(BUILT, None, "local")).model_dump_json())
    (tmp_path / "report.json").symlink_to("real.json")
    memory, note = find_memory(tmp_path, manifest("one"))
    assert memory == {}
    assert note is not None


def test_inputs_are_in_a_report_and_in_an_index_and_may_be_absent(tmp_path: Path) -> None:
    inputs = {"sources": "0123456789abcdef"}
    report = report_of(BUILT.model_copy(update={"inputs": inputs}))
    (tmp_path / "report.json").write_text(report.model_dump_json())
    (tmp_path / "fleet.json").write_bytes(index_of(*report.crates).content)
    assert find_inputs(tmp_path, "one") == load_inputs(tmp_path / "fleet.json", "one") == inputs
    assert find_inputs(tmp_path, "two") is load_inputs(tmp_path / "fleet.json", "two") is None
    assert find_inputs(tmp_path / "none", "one") is None
    assert b"inputs" not in index_of(BUILT).content
