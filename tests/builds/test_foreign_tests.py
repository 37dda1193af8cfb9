"""Tests of crates on platforms other than this machine's: run, failed, turned off, or not run for a reason.

Those that compile for them need a toolchain for foreign platforms: the one that CROSS_TOOLCHAIN names.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest

from generator.backends.local import local_environment
from generator.builds.run import RunContext, RunOptions, build
from generator.builds.selection import Selection
from generator.manifest.reading import load_manifest
from generator.redaction import Redactor
from generator.sandboxes.contract import Command, CommandResult, OnLine
from generator.sandboxes.local.sandbox import LocalSandbox
from tests.builds.foreign import MACS, built, equipped, trials
from tests.builds.test_tool_cache import SilentObserver
from tests.conftest import MakeRepository
from tests.support import entry, library

# The test starts the program itself, as tests of command-line programs do.
PROGRAM = {
    "one/src/main.rs": 'fn main() { println!("{}", std::env::consts::ARCH) }\n',
    "one/tests/program.rs": """
#[test]
fn the_program_runs_where_its_test_does() {
    let said = std::process::Command::new(env!("CARGO_BIN_EXE_one")).output().unwrap().stdout;
    assert_eq!(String::from_utf8(said).unwrap().trim(), std::env::consts::ARCH);
}
#[test]
fn not_on_arm() {
    assert_ne!(std::env::consts::ARCH, FAILS_ON);
}
""",
}
LINUX = ["linux-x64-gnu", "linux-x64-musl", "linux-arm64-gnu"]


def program(fails_on: str) -> dict[str, str]:
    files = {name: text.replace("FAILS_ON", f'"{fails_on}"') for name, text in PROGRAM.items()}
    return {**{name: text for name, text in library("one").items() if name != "one/src/lib.rs"}, **files}


@pytest.mark.slow
def test_tests_run_on_every_platform_that_something_here_runs(repository: MakeRepository, everything: str) -> None:
    top = repository([entry("one", kind="bin", platforms=[*LINUX, MACS[1]])], program("no processor"))
    ran, crate = built(top, everything)
    assert (ran.code, crate["tests"]) == (0, "passed"), ran.err
    found = trials(crate)
    assert found["linux-x64-gnu"] == ("passed", None, None)
    assert found["linux-x64-musl"] == ("passed", "this machine's kernel", None)
    state, by, _ = found["linux-arm64-gnu"]
    assert (state, str(by).split()[0]) == ("passed", "qemu")
    assert found["darwin-arm64"] == ("not_run", None, "nothing on this machine runs programs for darwin-arm64")
    assert "tests also passed on (number of crates): linux-arm64-gnu by qemu" in ran.err
    assert "so it is done for this crate alone" not in ran.err  # what zig compiles of its own was there for each


@pytest.mark.slow
def test_tests_of_static_programs_for_another_processor_need_qemu_alone(
    repository: MakeRepository, everything: str
) -> None:
    equipped("bin", "linux-arm64-musl")
    top = repository([entry("one", kind="bin", platforms=["linux-arm64-musl"])], program("no processor"))
    ran, crate = built(top, everything)
    assert ran.code == 0, ran.err
    state, by, _ = trials(crate)["linux-arm64-musl"]
    assert (state, str(by).split()[0]) == ("passed", "qemu")


@pytest.mark.slow
def test_a_test_that_fails_on_one_platform_alone_fails_the_crate_with_its_name(
    repository: MakeRepository, everything: str
) -> None:
    top = repository([entry("one", kind="bin", platforms=LINUX)], program("aarch64"))
    ran, crate = built(top, everything)
    assert (ran.code, crate["state"], crate["tests"], crate["package"]) == (1, "failed", "failed", None), ran.err
    assert crate["failure"]["message"] == "linux-arm64-gnu: 1 test failed: not_on_arm"
    assert {name: state for name, (state, _, _) in trials(crate).items()} == {
        "linux-x64-gnu": "passed", "linux-x64-musl": "passed", "linux-arm64-gnu": "failed",
    }  # fmt: skip
    assert any('"foreign_tests": false' in note for note in crate["notes"])


@pytest.mark.slow
def test_tests_that_take_too_long_on_another_platform_are_no_passed_ones(
    repository: MakeRepository, mac_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the command that runs these tests has a short limit, so a slow machine reaches it too."""
    files = program("no processor")
    files["one/tests/program.rs"] += """
#[test]
fn never_ends() {
    while cfg!(target_env = "musl") {}
}
"""
    top = repository([entry("one", kind="bin", platforms=LINUX[:2])], files)
    run = LocalSandbox.run

    def limited(sandbox: LocalSandbox, command: Command, on_line: OnLine) -> CommandResult:
        tests_for_musl = re.search("cargo.* test .* --target .*-linux-musl", command.script)
        return run(sandbox, replace(command, timeout=5) if tests_for_musl else command, on_line)

    monkeypatch.setattr(LocalSandbox, "run", limited)
    context = RunContext(
        top / "crates.json",
        top / "dist",
        {**os.environ, "PATH": mac_path},
        Redactor({}),
        datetime(2026, 11, 28, tzinfo=UTC),
    )
    environment = partial(local_environment, isolated=True)
    manifest = load_manifest(top / "crates.json")
    (crate,) = build(manifest, Selection(("one",)), context, RunOptions(1), environment, SilentObserver()).crates
    assert crate.failure is not None
    assert (crate.state, crate.tests, crate.failure.failure_class) == ("failed", "failed", "too_slow")
    assert crate.failure.message.startswith("linux-x64-musl: running the tests took longer than ")
    assert {unit.platform: unit.tests.state for unit in crate.units} == {
        "linux-x64-gnu": "passed", "linux-x64-musl": "failed",
    }  # fmt: skip
    assert any('"foreign_tests": false' in note for note in crate.notes)


@pytest.mark.slow
def test_tests_of_other_platforms_can_be_turned_off(repository: MakeRepository, mac_path: str) -> None:
    crate = entry("one", platforms=LINUX[:2], foreign_tests=False)
    ran, report = built(repository([crate], library("one")), mac_path)
    assert ran.code == 0, ran.err
    assert trials(report) == {
        "linux-x64-gnu": ("none", None, "no test ran"), "linux-x64-musl": ("off", None, "foreign_tests is off"),
    }  # fmt: skip


@pytest.mark.slow
def test_a_test_command_of_the_manifests_own_is_run_on_the_host_alone(
    repository: MakeRepository, mac_path: str
) -> None:
    crate = entry("one", platforms=LINUX[:2], commands={"test": "true"})
    ran, report = built(repository([crate], library("one")), mac_path)
    assert ran.code == 0, ran.err
    own = "the manifest's own test command runs on the host alone"
    assert trials(report)["linux-x64-musl"] == ("not_run", None, own)


# One test for Node, and one that a browser alone can run.
