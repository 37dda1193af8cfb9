"""`cratematrix build` on small crates that compile in a second, in real sandboxes."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from itertools import islice
from pathlib import Path

import pytest

from tests.builds.commands import build, report
from tests.conftest import MakeRepository
from tests.repositories import git
from tests.support import COMMAND, NAPS, entry, library, write_files

OWN_HARNESS = '[[test]]\nname = "own"\nharness = false\n'


@pytest.mark.parametrize(
    ("lib", "more", "commands", "state"),
    [
        ("", {}, {}, "none"),
        ("#[test]\n#[ignore]\nfn later() {}\n", {}, {}, "none"),
        ("//! ~~~\n//! assert!(true);\n//! ~~~\n", {}, {}, "passed"),
        ("", {"one/Cargo.toml": OWN_HARNESS, "one/tests/own.rs": "fn main() {}\n"}, {}, "passed"),
        ("", {"one/Cargo.toml": "[lib]\ntest = false\ndoctest = false\n"}, {}, "none"),
        ("", {}, {"test": "cargo test --offline"}, "none"),
        ("", {}, {"test": "cargo test --offline && true"}, "passed"),
    ],
)
def test_tests_have_passed_only_if_one_ran(
    repository: MakeRepository, lib: str, more: dict[str, str], commands: dict[str, str], state: str
) -> None:
    files = library("one", lib, more.pop("one/Cargo.toml", "")) | more
    top = repository([entry("one", **({"commands": commands} if commands else {}))], files)
    assert build(top, "--all").code == 0
    crate = report(top)["one"]
    assert (crate["tests"], crate["units"][0]["tests"]["state"]) == (state, state)
    assert crate["units"][0]["tests"]["reason"] == ("no test ran" if state == "none" else None)


def test_tests_can_be_switched_off_for_one_crate(repository: MakeRepository) -> None:
    top = repository([entry("one", tests=False)], library("one", "#[test]\nfn no() { panic!() }\n"))
    assert build(top, "--all").code == 0
    assert report(top)["one"]["tests"] == "off"


def test_a_crate_is_reused_until_its_input_changes(repository: MakeRepository) -> None:
    top = repository([entry("one")], library("one"))
    build(top, "--all")
    assert report(top)["one"]["attempts"] == 1
    again = build(top, "--all")
    assert (again.code, report(top)["one"]["attempts"]) == (0, 0)
    assert "reused from the build cache" in again.err
    (top / "one/src/lib.rs").write_text("// changed\n")
    build(top, "--all")
    assert report(top)["one"]["attempts"] == 1


def test_a_build_for_other_platforms_of_the_fleet_is_not_reused(repository: MakeRepository) -> None:
    top = repository([entry("one")], library("one"))
    assert build(top, "--all").code == 0
    manifest = json.loads((top / "crates.json").read_text())
    manifest["fleet"]["platforms"] = ["linux-x64-gnu", "darwin-arm64"]
    (top / "crates.json").write_text(json.dumps(manifest))
    assert build(top, "--all").code == 0
    assert [unit["platform"] for unit in report(top)["one"]["units"]] == ["linux-x64-gnu", "darwin-arm64"]


def test_shards_write_reports_of_their_own_and_together_build_everything(repository: MakeRepository) -> None:
    top = repository([entry("one"), entry("two")], library("one") | library("two"))
    for index in ("1", "2"):
        assert build(top, "--shard", f"{index}/2").code == 0
    assert report(top, "report-1.json").keys() | report(top, "report-2.json").keys() == {"one", "two"}
    assert build(top, "--shard", "9/9").code == 0
    assert report(top, "report-9.json") == {}


def test_a_report_has_the_commit_of_its_checkout(repository: MakeRepository) -> None:
    top = repository([entry("one")], library("one"))

    def built() -> tuple[str | None, bool]:
        assert build(top, "--shard", "9/9").code == 0
        found = json.loads((top / "dist/report-9.json").read_text())
        return found["commit"], found["modified"]

    assert built() == (None, False)
    git(top, "commit", "--quiet", "--message", "all")
    (top / "untracked").write_text("")
    assert built() == (git(top, "rev-parse", "HEAD"), False)
    (top / "one/src/lib.rs").write_text("// changed\n")
    assert built() == (git(top, "rev-parse", "HEAD"), True)


def test_a_shard_of_named_crates_is_a_part_of_these_alone(repository: MakeRepository) -> None:
    names = ("one", "two", "three")
    top = repository([entry(name) for name in names], {k: v for name in names for k, v in library(name).items()})
    built: list[str] = []
    for index in ("1", "2"):
        assert build(top, "--shard", f"{index}/2", CRATEMATRIX_BUILD_CRATE="three one").code == 0
        built += report(top, f"report-{index}.json")
    assert built == ["one", "three"]
    assert build(top, "--shard", "2/2", "--crate", "two").code == 0
    assert report(top, "report-2.json") == {}


def test_a_reader_that_goes_away_does_not_stop_the_build(repository: MakeRepository) -> None:
    top = repository([entry("one")], library("one"))
    with subprocess.Popen([COMMAND, "build", "--all"], cwd=top, stderr=subprocess.PIPE) as runner:
        assert runner.stderr is not None
        runner.stderr.readline()
        runner.stderr.close()
        assert runner.wait() == 0
    assert report(top)["one"]["state"] == "built"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_and_the_report_is_written(
    repository: MakeRepository, number: signal.Signals
) -> None:
    """Each running test would take an hour."""
    top = repository(
        [entry("one"), entry("two"), entry("zoo")], library("one", NAPS) | library("two", NAPS) | library("zoo")
    )
    words = [COMMAND, "build", "--all", "--jobs", "2"]
    with subprocess.Popen(words, cwd=top, stderr=subprocess.PIPE, text=True) as runner:
        assert runner.stderr is not None
        # On one processor Cargo's test runner prints the name of the test before it, on the same line.
        napping = (line for line in runner.stderr if line.rstrip().endswith("napping"))
        assert len(list(islice(napping, 2))) == 2, "the runner ended by itself"
        runner.send_signal(number)
        said = runner.stderr.read()
        assert runner.wait() == 130
    assert "error: interrupted: finished crates are kept" in said
    assert {crate["state"] for crate in report(top).values()} == {"not_run"}
    assert not list((top / "dist").glob(".scratch*"))


def test_the_next_crate_starts_as_soon_as_any_sandbox_is_free(repository: MakeRepository) -> None:
    """All others are built while the tests of one crate take an hour."""
    crates = [entry("slow", expected_minutes=9), *(entry(f"quick{number}") for number in range(3))]
    files = library("slow", NAPS)
    for number in range(3):
        files |= library(f"quick{number}")
    top = repository(crates, files)
    words = [COMMAND, "build", "--all", "--jobs", "2"]
    with subprocess.Popen(words, cwd=top, stderr=subprocess.PIPE, text=True) as runner:
        assert runner.stderr is not None
        built = (line for line in runner.stderr if "] == built" in line)
        assert len(list(islice(built, 3))) == 3, "the runner ended by itself"
        runner.send_signal(signal.SIGINT)
        runner.stderr.read()
    states = {name: crate["state"] for name, crate in report(top).items()}
    assert states == {"slow": "not_run"} | {f"quick{number}": "built" for number in range(3)}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "choose crates: --shard I/N, --crate NAME or both, or --all"),
        (("--all", "--crate", "one"), "choose crates: --shard I/N, --crate NAME or both, or --all"),
        (("--all", "--shard", "1/1"), "choose crates: --shard I/N, --crate NAME or both, or --all"),
        (("--shard", "1/1", "--crate", "one", "--crate", "two"), "the manifest has no crate two"),
        (("--crate", "two"), "the manifest has no crate two"),
        (("--shard", "3/2"), "shard 3/2 does not exist"),
        (("--shard", "x"), "'x' is not a shard: write I/N, such as 1/30"),
        (("--all", "--out", "crates.json"), "crates.json"),
    ],
)
def test_a_choice_that_cannot_be_built_is_an_input_error(
    repository: MakeRepository, words: tuple[str, ...], message: str
) -> None:
    top = repository([entry("one")], library("one"))
    ran = build(top, *words)
    assert (ran.code, message in ran.err) == (2, True)
    assert "Traceback" not in ran.err
    assert not (top / "dist").exists()


def test_without_a_toolchain_a_sentence_says_how_to_get_one(repository: MakeRepository, tmp_path: Path) -> None:
    top = repository([entry("one")], library("one"))
    tools = write_files(tmp_path / "bin", {})
    tools.mkdir(exist_ok=True)
    for name in ("git", "bwrap", "cc"):
        if found := shutil.which(name):
            (tools / name).symlink_to(found)
    ran = build(top, "--all", PATH=str(tools), HOME=str(tmp_path))
    assert ran.code == 2
    assert "rustup" in ran.err
    assert "nodejs.org" in ran.err


def test_a_build_without_isolation_says_so_in_its_report(repository: MakeRepository) -> None:
    top = repository([entry("one")], library("one"))
    assert build(top, "--all", "--no-isolation").code == 0
    assert json.loads((top / "dist/report.json").read_text())["isolated"] is False
