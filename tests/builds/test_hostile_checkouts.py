"""Files of a hostile checkout in the output directory: they decide neither paths nor results."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import MakeRepository
from tests.support import cratematrix, entry, git_repository, library

GITHUB = {
    "GITHUB_TOKEN": "t",
    "GITHUB_REPOSITORY": "octo-org/fleet",
    "GITHUB_API_URL": "http://127.0.0.1:1",
    "GITHUB_RUN_ID": "17",
}
SAYS = "id > /tmp/escaped"
# Cargo shows these lines as they are, and a shell that reads the log runs them.
TALKS = {"words/build.rs": f'fn main() {{ println!("cargo:warning={SAYS}"); }}\n'}


@pytest.fixture
def top(repository: MakeRepository) -> Path:
    """A repository with one program, and a tool of the user's beside it."""
    tool = {"words/src/main.rs": "fn main() {}\n"}
    top = repository([entry("words", kind="bin")], library("words") | TALKS | tool)
    victim = top.parent / "victim"
    victim.mkdir()
    (victim / "tool").write_text("#!/bin/sh\n")
    (victim / "tool").chmod(0o755)
    return top


def link(target: str) -> Callable[[Path], None]:
    return lambda place: place.symlink_to(target)


def refused(top: Path, name: str, kind: str) -> None:
    """Nothing is built, the place is named, and what is outside is as it was."""
    ran = cratematrix("build", "--all", cwd=top)
    assert ran.code == 2
    assert f"{name} is {kind}" in ran.err
    assert ran.err.rstrip().splitlines()[-1].startswith("  fix: rm -r ")
    assert "-- open" not in ran.err
    assert [each.name for each in (top.parent / "victim").iterdir()] == ["tool"]
    assert (top.parent / "victim/tool").read_text() == "#!/bin/sh\n"


@pytest.mark.parametrize(
    ("name", "make", "kind"),
    [
        ("dist", link("../victim"), "a symbolic link, and not a directory"),
        ("dist", link("nowhere"), "a symbolic link, and not a directory"),
        ("dist/logs", link("../../victim"), "a symbolic link, and not a directory"),
        ("dist/sbom", link("../../victim"), "a symbolic link, and not a directory"),
        ("dist/logs/words.log", link("../../../victim/tool"), "a symbolic link, and not a regular file"),
        ("dist/logs/words.log", link("../../../victim/new"), "a symbolic link, and not a regular file"),
        ("dist/logs/words.log", os.mkfifo, "a named pipe, and not a regular file"),
        ("dist/logs/words.log", Path.mkdir, "a directory, and not a regular file"),
        ("dist/logs", Path.touch, "a file, and not a directory"),
        ("dist/report.json", link("../../victim/tool"), "a symbolic link, and not a regular file"),
        ("dist/demo-words-1.0.0.tgz", link("../../victim/tool"), "a symbolic link, and not a regular file"),
        ("dist/sbom/words.cdx.json", link("../../../victim/tool"), "a symbolic link, and not a regular file"),
    ],
)
@pytest.mark.attack("a link that a checkout brings steers where nothing is written", entry="H1")
def test_what_is_no_file_where_results_go_is_refused_before_anything_is_built(
    top: Path, name: str, make: Callable[[Path], None], kind: str
) -> None:
    (top / name).parent.mkdir(parents=True, exist_ok=True)
    make(top / name)
    refused(top, name, kind)


@pytest.mark.attack("a link that a checkout brings steers where nothing is written", entry="H1")
def test_a_link_that_a_checkout_brings_is_refused_by_name(top: Path) -> None:
    """Otherwise the crate's words would be in a program that the user starts."""
    (top / "dist/logs").mkdir(parents=True)
    (top / "dist/logs/words.log").symlink_to("../../../victim/tool")
    git_repository(top)
    ran = cratematrix("build", "--all", cwd=top)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "error: git tracks dist/logs/words.log, and an output directory must not contain tracked files\n"
        "  fix: git rm -r --cached dist\n"
    )
    assert (top.parent / "victim/tool").read_text() == "#!/bin/sh\n"


@pytest.mark.attack("a crate's lines never reach a file that has another name too", entry="H1")
def test_a_log_is_a_new_file_and_not_another_name_of_an_old_one(top: Path) -> None:
    (top / "dist/logs").mkdir(parents=True)
    (top / "dist/logs/words.log").hardlink_to(top.parent / "victim/tool")
    assert cratematrix("build", "--all", cwd=top).code == 0
    assert SAYS in (top / "dist/logs/words.log").read_text()
    assert (top.parent / "victim/tool").read_text() == "#!/bin/sh\n"
    assert stat.S_IMODE((top / "dist/logs/words.log").stat().st_mode) & 0o111 == 0


def test_a_link_of_the_users_own_outside_of_the_checkout_is_followed(top: Path) -> None:
    (top.parent / "disk").mkdir()
    (top.parent / "out").symlink_to("disk")
    assert cratematrix("build", "--all", "--out", top.parent / "out", cwd=top).code == 0
    assert {each.name for each in (top.parent / "disk").iterdir()} == {
        ".gitignore", "demo-words-1.0.0.tgz", "logs", "report.json", "sbom",
    }  # fmt: skip
    shutil.rmtree(top.parent / "disk")


@pytest.mark.attack("a link that a checkout brings steers where nothing is written", entry="H1")
def test_a_path_of_the_users_that_leads_back_into_the_checkout_is_none_of_his_own(top: Path) -> None:
    (top / "dist").symlink_to("../victim")
    (top.parent / "out").symlink_to("repo/dist")
    ran = cratematrix("build", "--all", "--out", top.parent / "out", cwd=top)
    assert (ran.code, "repo/dist is a symbolic link, and not a directory" in ran.err) == (2, True)
    assert [each.name for each in (top.parent / "victim").iterdir()] == ["tool"]


@pytest.mark.parametrize("words", [("report",), ("release", "upload", "--release-id", "1"), ("build", "--all")])
@pytest.mark.attack("a report that a checkout brings is read by nothing", entry="W6")
def test_a_report_that_a_checkout_brings_is_taken_for_no_shards(top: Path, words: tuple[str, ...]) -> None:
    (top / "dist/report-3-9").mkdir(parents=True)
    (top / "dist/report-3-9/report-3.json").write_text("{}")
    git_repository(top)
    ran = cratematrix(*words, cwd=top, env=GITHUB)
    assert (ran.code, ran.out) == (2, "")
    assert "error: git tracks dist/report-3-9/report-3.json, and an output directory must not contain" in ran.err


@pytest.mark.attack("a report that a checkout brings is read by nothing", entry="W6")
def test_a_report_of_another_run_is_not_merged(top: Path) -> None:
    """As one that a runner of one's own has kept from the last pull request."""
    assert cratematrix("build", "--shard", "1/2", cwd=top, env={"GITHUB_RUN_ID": "17"}).code == 0
    assert json.loads((top / "dist/report-1.json").read_text())["run"] == "17"
    for run, code in (("17", 1), ("18", 2)):  # the other shard is missing
        ran = cratematrix("report", cwd=top, env={"GITHUB_RUN_ID": run})
        assert (ran.code, "dist/report-1.json is not of this run, 18" in ran.err) == (code, run == "18")


@pytest.mark.parametrize("make", [os.mkfifo, link("/dev/zero"), link("../../victim/tool")])
@pytest.mark.attack("a report is read from a regular file alone", entry="W6")
def test_a_report_is_read_from_a_regular_file_alone(top: Path, make: Callable[[Path], None]) -> None:
    (top / "dist").mkdir()
    make(top / "dist/report-1.json")
    ran = cratematrix("report", cwd=top)
    assert (ran.code, "dist/report-1.json is a " in ran.err) == (2, True)


def test_the_parts_of_a_name_that_differ_in_case_are_one_where_the_file_system_says_so(top: Path) -> None:
    """Here it does not: what is tracked as Dist is not where results go."""
    (top / "Dist").mkdir()
    (top / "Dist/report.json").write_text("{}")
    git_repository(top)
    assert cratematrix("build", "--all", cwd=top).code == 0
    (top / "DIST").symlink_to("Dist")
    ran = cratematrix("build", "--all", "--out", "DIST", cwd=top)
    assert (ran.code, "git tracks DIST/report.json" in ran.err) == (2, True)
