from __future__ import annotations

import json
from pathlib import Path

import pytest

from generator.errors import InputError
from generator.reports.merging import merge, merge_directory
from generator.reports.models import CrateReport, Report, State


def part(shard: str, *crates: str, attempt: int = 1, seconds: float = 1.0, cost: float = 0.0) -> Report:
    state: State = "failed" if attempt == 1 else "built"
    reports = tuple(CrateReport(name=name, version="1.0.0", kind="lib", state=state) for name in crates)
    return Report(
        backend="local",
        isolated=True,
        shard=shard,
        run_attempt=attempt,
        seconds=seconds,
        cost=cost,
        crates=reports,
    )


def test_the_last_attempt_of_a_shard_counts() -> None:
    merged = merge([part("2/2", "b", attempt=2), part("1/2", "c", "a", attempt=2), part("2/2", "b", attempt=1)])
    assert [(crate.name, crate.state) for crate in merged.crates] == [("a", "built"), ("b", "built"), ("c", "built")]
    assert (merged.shard, merged.run_attempt, merged.missing_shards) == (None, 2, ())


def test_the_fleet_takes_as_long_as_its_longest_shard_and_costs_all_of_them() -> None:
    merged = merge([part("1/3", "a", seconds=5, cost=0.1), part("3/3", "b", seconds=7, cost=0.2)])
    assert (merged.seconds, merged.cost, merged.missing_shards) == (7, 0.3, ("2/3",))


def test_reports_of_different_runs_are_not_merged() -> None:
    with pytest.raises(InputError, match=r"different numbers of shards \(2, 3\)"):
        merge([part("1/2", "a"), part("1/3", "a")])


def test_shards_of_different_commits_are_not_merged_and_those_without_one_take_it_from_the_others() -> None:
    first, second = (part(f"{number}/2", f"c{number}").model_copy(update={"commit": str(number) * 40}) for number in (1, 2))  # fmt: skip
    with pytest.raises(InputError, match=f"the reports are of different commits: {'1' * 40}, {'2' * 40}"):
        merge([first, second])
    old, changed = part("2/2", "c2"), part("2/2", "c2", attempt=2).model_copy(update={"commit": "1" * 40, "modified": True})  # fmt: skip
    assert (merge([first, old]).commit, merge([first, old]).modified) == ("1" * 40, False)
    assert (merge([first, second, changed]).commit, merge([first, second, changed]).modified) == ("1" * 40, True)
    assert merge([old]).commit is None


def test_a_directory_of_artifacts_is_read_and_the_runs_own_report_passed_over(tmp_path: Path) -> None:
    for each in (part("1/2", "a"), part("1/2", "a", attempt=2), part("2/2", "b", attempt=2)):
        index = each.shard and each.shard[0]
        directory = tmp_path / f"report-{index}-{each.run_attempt}"
        directory.mkdir()
        (directory / f"report-{index}.json").write_text(each.model_dump_json())
    (tmp_path / "report.json").write_text(merge([part("1/1", "old")]).model_dump_json())
    (tmp_path / "sbom").mkdir()
    (tmp_path / "sbom/report-of-a-crate.cdx.json").write_text("{}")
    assert [(crate.name, crate.state) for crate in merge_directory(tmp_path).crates] == [("a", "built"), ("b", "built")]


def test_only_reports_of_this_run_are_merged_where_it_has_a_number(tmp_path: Path) -> None:
    ours, theirs = (part("1/2", "a").model_copy(update={"run": run}) for run in ("17", None))
    (tmp_path / "report-1.json").write_text(ours.model_dump_json())
    assert merge_directory(tmp_path, "17").run == "17"
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/report-2.json").write_text(theirs.model_dump_json())
    assert [crate.name for crate in merge_directory(tmp_path).crates] == ["a"]
    with pytest.raises(InputError, match=r"deep/report-2\.json is not of this run, 17"):
        merge_directory(tmp_path, "17")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"report_version": 2}', json.dumps({"report_version": 1})])
def test_what_is_no_report_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "report-1.json").write_text(content)
    with pytest.raises(InputError, match=r"report-1\.json is not a report of this version"):
        merge_directory(tmp_path)


def test_no_report_is_said_and_several_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no report"):
        merge_directory(tmp_path)
    for name in ("new/report.json", "old/report.json"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(merge([part("1/1", "a")]).model_dump_json())
    with pytest.raises(InputError, match=r"holds the reports of several runs: new/report\.json, old/report\.json"):
        merge_directory(tmp_path)


def test_a_crate_of_two_shards_is_refused() -> None:
    with pytest.raises(InputError, match="the reports of several shards contain b, c: they are not of one plan"):
        merge([part("1/2", "a", "b", "c"), part("2/2", "c", "b")])


@pytest.mark.parametrize("name", ["a\n\n# Title", "../a", "", "::stop-commands::x"])
def test_a_report_of_what_cannot_be_a_crate_is_none(tmp_path: Path, name: str) -> None:
    text = part("1/1", "NAME").model_dump_json().replace('"NAME"', json.dumps(name))
    (tmp_path / "report-1.json").write_text(text)
    with pytest.raises(InputError, match=r"crates\.0\.name"):
        merge_directory(tmp_path)
