"""Tests of crates on platforms other than this machine's: run, failed, turned off, or not run for a reason.

Those that compile for them need a toolchain for foreign platforms: the one that CROSS_TOOLCHAIN names.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from generator.backends.local import local_environment
from generator.builds.run import RunContext, RunOptions, build
from generator.builds.selection import Selection
from generator.manifest.reading import load_manifest
from generator.redaction import Redactor
from generator.sandboxes.contract import Command, CommandResult, OnLine
from generator.sandboxes.local.sandbox import LocalSandbox
from tests.builds.foreign import MACS, built, equipped
from tests.builds.test_tool_cache import SilentObserver
from tests.conftest import MakeRepository
from tests.installing import install
from tests.support import cratematrix, entry, library

# Threads of Rust's own, which end and are waited for, besides those of Node's pool.
SPREAD = """
#[napi]
pub fn spread(threads: u32) -> u32 {
    let all: Vec<_> = (0..threads).map(|each| std::thread::spawn(move || each)).collect();
    all.into_iter().map(|each| each.join().unwrap()).sum()
}
"""
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


def trials(crate: dict[str, Any]) -> dict[str, tuple[str, str | None, str | None]]:
    return {unit["platform"]: tuple(unit["tests"][key] for key in ("state", "by", "reason")) for unit in crate["units"]}


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
WASM_TEST = """#![cfg(target_arch = "wasm32")]
use wasm_bindgen_test::*;
BROWSER
#[wasm_bindgen_test]
fn counts() { assert_eq!(one::one(), 1); }
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("browser", "expected"),
    [
        ("", ("passed", "Node", None)),
        ("wasm_bindgen_test_configure!(run_in_browser);", ("not_run", None, "its tests for wasm want a browser")),
    ],
)
def test_tests_for_wasm_run_in_node(
    repository: MakeRepository, mac_path: str, browser: str, expected: tuple[str, str | None, str | None]
) -> None:
    head = '[lib]\ncrate-type = ["cdylib", "rlib"]\n[dependencies]\n'
    head += 'wasm-bindgen = { version = "=0.2.130", default-features = false }\n'
    head += '[target.\'cfg(target_arch = "wasm32")\'.dev-dependencies]\nwasm-bindgen-test = "=0.3.80"\n'
    head += "[profile.release]\nopt-level = 0\n"
    files = library("one", "use wasm_bindgen::prelude::*;\n#[wasm_bindgen]\npub fn one() -> u32 { 1 }\n", head)
    del files["one/Cargo.lock"]
    files["one/tests/wasm.rs"] = WASM_TEST.replace("BROWSER", browser)
    ran, crate = built(repository([entry("one", kind="wasm", platforms=["wasm32"])], files), mac_path)
    assert ran.code == 0, ran.err
    assert crate["tests"] == ("none" if browser else "passed")  # on the host there is no test
    assert trials(crate) == {"wasm32": expected}


@pytest.mark.slow
def test_an_addon_runs_as_webassembly_on_threads_of_its_own(fleet_copy: Path, tmp_path: Path) -> None:
    path, top = equipped("napi", "wasm32"), tmp_path / "repo"
    shutil.copytree(fleet_copy, top, ignore=shutil.ignore_patterns("dist"))
    with (top / "packages/text/src/lib.rs").open("a") as code:
        code.write(SPREAD)
    manifest = json.loads((top / "crates.json").read_text())
    next(crate for crate in manifest["crates"] if crate["name"] == "fleet-text").pop("platforms")
    (top / "crates.json").write_text(json.dumps(manifest))
    ran = cratematrix("build", "--crate", "fleet-text", "--out", tmp_path / "out", cwd=top, env={"PATH": path})
    assert ran.code == 0, ran.err
    (crate,) = json.loads((tmp_path / "out/report.json").read_text())["crates"]
    assert [(unit["state"], unit["audit"][0]["findings"]) for unit in crate["units"]] == [("built", []), ("built", [])]
    assert crate["loaded"].endswith(" and its fleet-text.wasi.cjs")
    script = "const it = require('@fleet/fleet-text'); console.log(it.spread(4)); it.countWords(Buffer.from('a b c')).then(console.log)"
    install(tmp_path, "--prefix", tmp_path, tmp_path / "out" / crate["package"]["file"])
    # With this word napi's loader fails rather than take the addon of this machine.
    env = {**os.environ, "NAPI_RS_FORCE_WASI": "error"}
    done = subprocess.run(["node", "-e", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)  # noqa: TID251
    assert done.stdout == "6\n3\n", done.stderr
