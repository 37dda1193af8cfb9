"""The stand-ins of published actions refuse what the originals refuse, or a green run would prove little."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from generator import processes
from generator.processes import Completed
from tests.acts.act import STAND_INS, stand_ins
from tests.support import write_files

FILES = {
    ".hidden/one.json": "{}",
    "dist/report-1.json": "{}",
    "dist/logs/a.log": "a",
    "dist/.hidden": "",
    "dist/a.tgz": "a",
}


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path) -> None:
    write_files(tmp_path, FILES)


def upload(top: Path, name: str, *patterns: str, when_empty: str = "warn") -> Completed:
    given = {"NAME": name, "FILES": "\n".join(patterns), "WHEN_EMPTY": when_empty, "LEVEL": "6", "DAYS": "0"}
    env = {**os.environ, **given, "ACTS_KEPT": str(top / "kept"), "GITHUB_RUN_ID": "1"}
    return processes.run([sys.executable, str(STAND_INS / "upload.py")], timeout=600, cwd=top, env=env)


def kept(top: Path, name: str) -> list[str]:
    root = top / "kept/artifacts/1" / name
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_every_published_action_but_checkout_has_one() -> None:
    assert {uses.partition("@")[0] for uses in stand_ins()} == {
        "actions/attest", "actions/cache", "actions/create-github-app-token", "actions/download-artifact", "actions/setup-python",
        "actions/upload-artifact",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("patterns", "files"),
    [
        (["dist/report-*.json", "dist/logs"], ["logs/a.log", "report-1.json"]),
        (["dist/*.tgz"], ["a.tgz"]),
        (["dist/report-1.json"], ["report-1.json"]),
        (["dist"], ["a.tgz", "logs/a.log", "report-1.json"]),
        ([".hidden/one.json"], ["one.json"]),
        (["dist/.hidden"], []),
    ],
)
def test_an_artifact_begins_where_its_patterns_part(tmp_path: Path, patterns: list[str], files: list[str]) -> None:
    assert upload(tmp_path, "kept", *patterns).exit_code == 0
    assert kept(tmp_path, "kept") == files


def test_a_name_is_taken_once_in_a_run(tmp_path: Path) -> None:
    assert upload(tmp_path, "report-1-1", "dist").exit_code == 0
    again = upload(tmp_path, "report-1-1", "dist")
    assert again.exit_code == 1
    assert "(409) Conflict" in again.stderr


@pytest.mark.parametrize(("rule", "code"), [("warn", 0), ("ignore", 0), ("error", 1), ("maybe", 1)])
def test_what_no_file_means_is_the_steps_choice(tmp_path: Path, rule: str, code: int) -> None:
    assert upload(tmp_path, "packages", "dist/*.zip", when_empty=rule).exit_code == code
    assert kept(tmp_path, "packages") == []


@pytest.mark.parametrize("name", ["", "report/1", "a:b"])
def test_a_name_that_no_artifact_may_have_is_refused(tmp_path: Path, name: str) -> None:
    assert upload(tmp_path, name, "dist").exit_code == 1


def test_a_directory_of_an_earlier_job_lies_over_what_is_there(tmp_path: Path) -> None:
    """Each job has its own temporary directory here."""

    def cache(action: str, job: str, **given: str) -> str:
        step = YAML(typ="safe", pure=True).load(STAND_INS / f"cache/{action}/action.yml")["runs"]["steps"][0]
        temp = tmp_path / job
        temp.mkdir(exist_ok=True)
        names = {"ACTS_KEPT": str(tmp_path / "kept"), "RUNNER_TEMP": str(temp), "FILE": str(temp / "builds"), **given}
        argv = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]]
        return processes.output(argv, timeout=600, cwd=tmp_path, env={**os.environ, **names}).decode()

    write_files(tmp_path, {"one/builds/a/x": "1", "two/builds/b/y": "2"})
    assert "not found" in cache("restore", "one", PREFIX="builds-push-")
    assert cache("save", "one", KEY="builds-push-1") == ""
    assert cache("restore", "two", PREFIX="builds-push-") == ""
    found = {path.relative_to(tmp_path / "two").as_posix() for path in (tmp_path / "two").rglob("*") if path.is_file()}
    assert found == {"builds/a/x", "builds/b/y"}
