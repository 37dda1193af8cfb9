"""The commands in a job of GitHub Actions: log, outputs and summary."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from generator.reports.models import CrateReport, Report, Unit
from tests.conftest import MakeRepository
from tests.support import Ran, cratematrix, entry, library, write_files

BROKEN = '\npub fn one() -> u8 { "1" }\n'


class Job:
    """The files and variables that GitHub's runner gives a step."""

    def __init__(self, directory: Path) -> None:
        self.output, self.summary = directory / "output", directory / "summary"
        for file in (self.output, self.summary):
            file.write_text("")
        self.environment = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_RUN_ATTEMPT": "2",
        }

    def run(self, top: Path, *words: str, **more: str) -> Ran:
        return cratematrix(*words, cwd=top, env={**self.environment, **more})

    @property
    def outputs(self) -> dict[str, str]:
        found = re.finditer(
            r"(?P<key>[\w-]+)<<(?P<end>\S+)\n(?P<value>.*?)\n(?P=end)\n", self.output.read_text(), re.DOTALL
        )
        return {each["key"]: each["value"] for each in found}


@pytest.fixture
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return Job(tmp_path_factory.mktemp("job"))


def test_a_build_writes_groups_annotations_outputs_and_a_summary(repository: MakeRepository, job: Job) -> None:
    files = library("good") | library("bad", BROKEN)
    top = repository([entry("good"), entry("bad")], files)
    ran = job.run(top, "build", "--shard", "1/1")
    assert ran.code == 1
    assert job.outputs == {"report": "dist/report-1.json", "built": "1", "failed": "1"}
    annotations = [line for line in ran.err.splitlines() if line.startswith("::error")]
    assert annotations == ["::error file=bad/src/lib.rs,line=2,title=bad failed (permanent)::mismatched types (E0308)"]
    groups = re.findall(r"^::group::(.*)\n(?:.*\n)*?::endgroup::$", ran.err, re.MULTILINE)
    assert sorted(groups) == ["output of bad", "output of good"]
    assert "| bad | lib | failed |" in job.summary.read_text()
    assert '"run_attempt": 2' in (top / "dist/report-1.json").read_text()


@pytest.mark.attack("every secret is masked before anything is said on GitHub")
def test_every_secret_is_masked_before_anything_is_said(repository: MakeRepository, job: Job) -> None:
    top = repository([entry("one", env=["LICENCE"])], library("one"))
    ran = job.run(top, "build", "--all", LICENCE="very-secret-licence")
    assert ran.code == 0
    assert ran.err.startswith("::add-mask::very-secret-licence\n")
    assert ran.err.count("very-secret-licence") == 1


def test_reports_of_shards_become_one(repository: MakeRepository, job: Job) -> None:
    top = repository([entry("one"), entry("two", expected_minutes=9)], library("one") | library("two", BROKEN))
    assert job.run(top, "build", "--shard", "2/2").code == 0
    there, here = job.run(top, "report"), cratematrix("report", cwd=top)
    for ran, fix in ((there, "see the logs of their jobs"), (here, "cratematrix build --shard 1/2 --out dist")):
        assert (ran.code, ran.err.endswith(f"error: 1 shard without a report\n  fix: {fix}\n")) == (1, True), ran.err
    assert job.run(top, "build", "--shard", "1/2").code == 1
    ran = job.run(top, "report")
    assert ran.code == 1
    assert "2 crates: 1 built, 1 failed" in ran.err
    assert ran.err.endswith("error: 1 of 2 crates failed\n  fix: read dist/logs/two.log\n")
    assert "### ❌ Fleet: 1 of 2 crates failed" in job.summary.read_text()


def test_a_stale_file_is_an_annotation_and_its_difference_a_summary(repository: MakeRepository, job: Job) -> None:
    top = repository([entry("one"), entry("two")], library("one") | library("two"))
    assert job.run(top, "generate").code == 0
    text = (top / "crates.json").read_text()
    (top / "crates.json").write_text(text.replace('"slots": 2', '"slots": 1'))
    ran = job.run(top, "generate", "--check")
    assert ran.code == 3
    lines = [line for line in ran.err.splitlines() if line.startswith("::error")]
    assert [line.partition(",")[0] for line in lines] == [
        f"::error file=.github/workflows/cratematrix-{name}.yml" for name in ("build", "release")
    ]
    assert all(line.endswith(": cratematrix generate") for line in lines)
    assert '-          - { index: 2, shard: "2/2" }' in job.summary.read_text()


def test_a_plan_writes_outputs_for_a_matrix(repository: MakeRepository, job: Job) -> None:
    top = repository([entry("one"), entry("two")], library("one") | library("two"))
    assert job.run(top, "plan", "--changed-since", "0" * 40).code == 0
    matrix = json.loads(job.outputs["matrix"])
    assert matrix == {"include": [{"index": 1, "shard": "1/2"}, {"index": 2, "shard": "2/2"}]}
    assert (job.outputs["count"], job.outputs["crates"]) == ("2", "one two")
    assert "### Plan: 2 crates in 2 jobs, about " in job.summary.read_text()


@pytest.mark.attack("a hostile workflow file gives the runner no command")
def test_a_hostile_workflow_says_nothing_to_the_runner_and_ends_no_block_of_the_summary(
    repository: MakeRepository, job: Job
) -> None:
    top = repository([entry("one")], library("one"))
    assert job.run(top, "generate").code == 0
    workflow = top / ".github/workflows/cratematrix-build.yml"
    first, rest = workflow.read_text().split("\n", 1)
    workflow.write_text(f"{first}\n  ::stop-commands::x\n````\n# ##[add-mask]1\n<b>{rest}")
    ran = job.run(top, "generate", "--check")
    assert ran.code == 3
    assert not re.search(r"^\s*::(?!error )|##\[", ran.out + ran.err, re.MULTILINE)
    assert "`````diff\n" in job.summary.read_text()


def test_a_short_common_value_is_not_masked(repository: MakeRepository, job: Job) -> None:
    top = repository([entry("one", env=["LEVEL"])], library("one"))
    ran = job.run(top, "build", "--all", LEVEL="1")
    assert ran.code == 0
    assert "::add-mask::" not in ran.err


def test_the_advice_for_a_failed_crate_holds_any_name_of_a_directory(repository: MakeRepository, job: Job) -> None:
    top = repository([entry("bad")], library("bad", BROKEN))
    ran = job.run(top, "build", "--all", "--out", "dist{0.x}")
    assert ran.code == 1
    assert ran.err.endswith("  fix: read dist{0.x}/logs/bad.log\n")


def test_the_report_of_a_run_that_was_stopped_is_no_success(repository: MakeRepository, job: Job) -> None:
    top = repository([entry("one")], library("one"))
    stopped = CrateReport(
        name="one",
        version="1.0.0",
        kind="lib",
        state="not_run",
        units=(Unit(platform="linux-x64-gnu", state="not_run", reason="the run was stopped"),),
    )
    report = Report(backend="local", isolated=True, shard="1/1", interrupted=True, seconds=1, crates=(stopped,))
    write_files(top, {"dist/report-1.json": report.model_dump_json()})
    ran = job.run(top, "report")
    end = "error: 1 of 1 crate was not built: the run was stopped\n  fix: build again to continue\n"
    assert (ran.code, ran.err.endswith(end)) == (1, True), ran.err
