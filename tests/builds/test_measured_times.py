"""Measured times: from a build through its report to the next plan and the next build."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.builds.commands import build, report
from tests.conftest import MakeRepository
from tests.support import cratematrix, entry, library

COMMANDS = {"build": "echo built", "test": "true"}


def fleet(repository: MakeRepository, *names: str) -> Path:
    files = {path: text for name in names for path, text in library(name).items()}
    return repository([entry(name, commands=COMMANDS) for name in names], files)


def whole(top: Path, name: str = "report.json") -> Any:
    return json.loads((top / "dist" / name).read_text())


def set_times(top: Path, **seconds: float) -> None:
    """Put times into the last report in place of the measured ones, which no test may depend on."""
    content = whole(top)
    for crate in content["crates"]:
        for each in crate["measurements"]:
            each["seconds"] = seconds.get(crate["name"], each["seconds"])
    (top / "dist/report.json").write_text(json.dumps(content))


def test_each_build_is_measured_and_a_run_of_one_crate_forgets_no_other(repository: MakeRepository) -> None:
    top = fleet(repository, "one", "two")
    first = build(top, "--all")
    assert (first.code, "all crates: predicted 10 min, actual " in first.err) == (0, True), first.err
    assert {name: len(crate["measurements"]) for name, crate in report(top).items()} == {"one": 1, "two": 1}
    assert report(top)["one"]["predicted_seconds"] == 300
    (measurement,) = report(top)["one"]["measurements"]
    assert measurement.pop("peak_memory", 0) == report(top)["one"]["peak_memory"]
    assert measurement == {"seconds": report(top)["one"]["seconds"], "size": "standard", "backend": "local"}

    set_times(top, one=60, two=120)
    (of_two,) = report(top)["two"]["measurements"]
    (top / "one/src/lib.rs").write_text("// changed\n")
    assert build(top, "--crate", "one").code == 0
    one = report(top)["one"]
    assert one["predicted_seconds"] == 60
    assert [each["seconds"] for each in one["measurements"]] == [60, one["seconds"]]
    assert whole(top)["remembered"] == [{"name": "two", "measurements": [of_two]}]

    again = build(top, "--all")
    assert (again.code, "predicted" in again.err) == (0, False), again.err
    reused = report(top)
    assert reused["one"]["measurements"] == one["measurements"]
    assert (reused["two"]["attempts"], reused["two"]["predicted_seconds"]) == (0, None)
    assert [each["seconds"] for each in reused["two"]["measurements"]] == [120]
    assert whole(top)["remembered"] == []


def test_the_plan_predicts_from_the_last_report_and_a_build_takes_the_longest_first(repository: MakeRepository) -> None:
    top = fleet(repository, "one", "two")
    assert build(top, "--all").code == 0
    set_times(top, one=60, two=120)
    ran = cratematrix("plan", cwd=top)
    assert ["two", "2", "1", "run"] in [line.split() for line in ran.out.splitlines()]
    assert "predicted from measured times of 2 of 2 crates" in ran.err
    for name in ("one", "two"):
        (top / name / "src/lib.rs").write_text("// changed\n")
    ran = build(top, "--all", "--jobs", "1")
    assert ran.err.index("[two] == built") < ran.err.index("[one] == built"), ran.err


def test_all_jobs_take_their_shards_from_one_plan(repository: MakeRepository) -> None:
    top = fleet(repository, "one", "two", "three")
    assert build(top, "--all").code == 0
    set_times(top, one=60, two=60, three=900)
    (top / "dist/report.json").rename(top / "measured.json")
    ran = cratematrix("plan", "--json", "--previous", "measured.json", "--slots", "2", cwd=top)
    (top / "plan.json").write_text(ran.out)
    shards = [shard["crates"] for shard in json.loads(ran.out)["shards"]]
    assert shards == [["three"], ["one", "two"]]
    for index in (1, 2):
        assert build(top, "--plan", "plan.json", "--shard", f"{index}/2").code == 0
        assert sorted(report(top, f"report-{index}.json")) == sorted(shards[index - 1])
    three = report(top, "report-1.json")["three"]
    assert (three["attempts"], len(three["measurements"])) == (0, 1)

    ran = build(top, "--plan", "plan.json", "--shard", "1/3")
    assert (ran.code, ran.err.startswith("error: the plan has 2 shards, and 1/3 is not one of them")) == (2, True)
    ran = build(top, "--plan", "plan.json", "--all")
    assert (ran.code, "use --plan with --shard I/N" in ran.err) == (2, True)
    ran = build(top, "--plan", "measured.json", "--shard", "1/2")
    assert (ran.code, "is not a plan of this version" in ran.err) == (2, True)


def test_the_report_of_shards_keeps_the_times_of_the_plan(repository: MakeRepository) -> None:
    top = fleet(repository, "one", "two")
    assert build(top, "--all", "--out", "before").code == 0
    plan = json.loads(cratematrix("plan", "--json", "--previous", "before/report.json", cwd=top).out)
    plan |= {
        "shards": [{"index": 1, "crates": ["one"], "predicted_minutes": 1.0}],
        "reasons": [{"crate": "two", "built": False, "reason": "unchanged"}],
    }
    (top / "plan.json").write_text(json.dumps(plan))
    assert build(top, "--plan", "plan.json", "--shard", "1/1").code == 0
    ran = cratematrix("report", "--plan", "plan.json", cwd=top)
    assert ran.code == 0, ran.err
    assert "longest shard: predicted " in ran.err
    merged = whole(top)
    assert [each["shard"] for each in merged["shards"]] == ["1/1"]
    assert [each["name"] for each in merged["remembered"]] == ["two"]
    assert len(report(top)["one"]["measurements"]) == 2


def test_a_broken_file_is_an_error_by_name_and_a_note_by_default(repository: MakeRepository) -> None:
    top = fleet(repository, "one")
    (top / "dist").mkdir()
    (top / "dist/report.json").write_text('{"report_version": 1, "crates": [{"name": "one", "measurements": [NaN]}]}')
    ran = cratematrix("plan", cwd=top)
    assert ran.code == 0
    assert "note: dist/report.json is neither a report nor a fleet index: crates.0.measurements.0" in ran.err
    ran = cratematrix("plan", "--previous", "dist/report.json", cwd=top)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: dist/report.json is neither a report nor a fleet index: ")
    ran = cratematrix("plan", "--previous", "nowhere.json", cwd=top)
    assert ran.code == 2
