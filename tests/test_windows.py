"""Everything but local builds works where Python lacks the parts of Unix, as on Windows; paths of Windows as text."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path, PureWindowsPath

import pytest

from generator.manifest.reading import cli_command
from generator.toolchain.host import find_host_toolchain
from tests.as_windows import MODULES
from tests.builds.scripted import env_of, prepared, report_of, rules_for, scripted_fleet
from tests.conftest import MakeRepository
from tests.documentation.sessions import FROM_WINDOWS
from tests.e2b_server import E2BServer
from tests.github_server.starting import servers
from tests.releases.conftest import MANIFEST, Fleet, make_fleet
from tests.support import HANGS, TOP, Ran, entry, git_repository, library, write_files

AS_WINDOWS = TOP / "tests/as_windows.py"


INIT = ["init", "--action", "you/cratematrix@v1"]


def on_windows(*words: str | Path, cwd: Path, **env: str) -> Ran:
    """Run the command without the parts of Unix."""
    done = subprocess.run(  # noqa: TID251
        [sys.executable, AS_WINDOWS, *map(str, words)],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_the_modules_are_really_absent(name: str, tmp_path: Path) -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(TOP)!r}); import tests.as_windows as w; w.become_windows(); import {name}"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)  # noqa: TID251
    assert (done.returncode, f"No module named '{name}'" in done.stderr) == (1, True), done.stderr


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A repository with a crate and no manifest."""
    return git_repository(write_files(tmp_path / "repo", {**library("one"), ".github/keep": ""}))


def test_a_repository_is_set_up_checked_planned_and_rendered(top: Path) -> None:
    for words in (INIT, ["check"], ["plan"], ["plan", "--json"], ["schema"], ["generate"], ["generate", "--check"]):
        ran = on_windows(*words, cwd=top)
        assert (ran.code, "Traceback" in ran.err) == (0, False), (words, ran.err)
    assert [each["name"] for each in json.loads((top / "crates.json").read_text())["crates"]] == ["one"]
    assert (top / ".github/workflows/cratematrix-release.yml").read_bytes().count(b"\r") == 0
    ran = on_windows("init", cwd=top)
    assert (ran.code, "already exists" in ran.err) == (2, True)


def test_a_link_in_the_place_of_a_generated_file_is_not_followed(top: Path, tmp_path: Path) -> None:
    assert on_windows(*INIT, cwd=top).code == 0
    (tmp_path / "outside").mkdir()
    (top / ".github/workflows").symlink_to(tmp_path / "outside")
    ran = on_windows("generate", cwd=top)
    assert (ran.code, ".github/workflows is a symbolic link, and not a directory" in ran.err) == (2, True), ran.err
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize("words", [["build", "--all"], ["build", "--all", "--no-isolation"], ["targets"]], ids=" ".join)
def test_a_local_build_says_in_one_sentence_what_it_needs(repository: MakeRepository, words: list[str]) -> None:
    ran = on_windows(*words, cwd=repository([entry("one")], library("one")))
    assert ran.code == 2
    errors = [line for line in ran.err.splitlines() if line.startswith("error: ")]
    assert errors == ["error: a local build needs Linux, or WSL on Windows, or macOS with --no-isolation"]


def test_doctor_says_that_all_else_works(top: Path) -> None:
    ran = on_windows("doctor", cwd=top)
    assert ran.code == 2
    assert "WSL" in ran.out
    assert "Traceback" not in ran.err


def test_a_report_is_merged(top: Path) -> None:
    report = {"report_version": 1, "backend": "local", "isolated": True, "seconds": 1.0, "crates": []}
    write_files(top, {"dist/report-1.json": json.dumps({**report, "shard": "1/1"})})
    ran = on_windows("report", cwd=top)
    assert (ran.code, (top / "dist/report.json").exists()) == (0, True), ran.err


def test_a_release_from_prepare_to_verify(tmp_path: Path) -> None:
    with servers() as start:
        fleet = make_fleet(tmp_path / "fleet", start, MANIFEST)
        ran = _release(fleet, "prepare", "--tag", "v1.0.0")
        number = ran.out.strip()
        for shard in fleet.shards:
            ran = _release(fleet, "upload", "--release-id", number, "--out", shard, "--writes-per-minute", "6000")
        _release(fleet, "publish", "--release-id", number, "--out", fleet.top / "shards")
        ran = _release(fleet, "verify", "--tag", "v1.0.0")
        assert ran.err == "v1.0.0: 3 packages, all verified\n"


def _release(fleet: Fleet, *words: str | Path) -> Ran:
    ran = on_windows("release", *words, cwd=fleet.top, **fleet.environment)
    assert ran.code == 0, ran.err
    return ran


def test_a_fleet_is_built_at_e2b(tmp_path: Path) -> None:
    top = prepared(scripted_fleet(tmp_path / "repo", 2), find_host_toolchain(os.environ).path)
    with E2BServer(rules_for(top)) as server:
        _, *words = FROM_WINDOWS.text().split()
        ran = on_windows(*words, cwd=top, **env_of(server, tmp_path))
    assert ran.code == 0, ran.err
    assert [crate["state"] for crate in report_of(top)["crates"]] == ["built", "built"]


def test_a_command_that_is_printed_has_a_path_that_every_shell_takes() -> None:
    path = PureWindowsPath(r"C:\Users\Ann Lee\repo\fleet.yaml")
    assert cli_command("check", path).endswith("--manifest 'C:/Users/Ann Lee/repo/fleet.yaml'")  # type: ignore[arg-type]
