"""What a checkout brings where results go: it says neither where anything is written, nor what was built."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import MakeRepository
from tests.support import cratematrix, entry, git_repository, library

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
def test_what_is_no_file_where_results_go_is_refused_before_anything_is_built(
    top: Path, name: str, make: Callable[[Path], None], kind: str
) -> None:
    (top / name).parent.mkdir(parents=True, exist_ok=True)
    make(top / name)
    refused(top, name, kind)


def test_a_link_that_a_checkout_brings_is_refused_by_name(top: Path) -> None:
    """Otherwise the crate's words would be in a program that the user starts."""
    (top / "dist/logs").mkdir(parents=True)
    (top / "dist/logs/words.log").symlink_to("../../../victim/tool")
    git_repository(top)
    ran = cratematrix("build", "--all", cwd=top)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "error: git tracks dist/logs/words.log, and what a checkout brings may not lie where results go\n"
        "  fix: git rm -r --cached dist\n"
    )
    assert (top.parent / "victim/tool").read_text() == "#!/bin/sh\n"


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
        "demo-words-1.0.0.tgz", "logs", "report.json", "sbom",
    }  # fmt: skip
    shutil.rmtree(top.parent / "disk")


def test_a_path_of_the_users_that_leads_back_into_the_checkout_is_none_of_his_own(top: Path) -> None:
    (top / "dist").symlink_to("../victim")
    (top.parent / "out").symlink_to("repo/dist")
    ran = cratematrix("build", "--all", "--out", top.parent / "out", cwd=top)
    assert (ran.code, "repo/dist is a symbolic link, and not a directory" in ran.err) == (2, True)
    assert [each.name for each in (top.parent / "victim").iterdir()] == ["tool"]
