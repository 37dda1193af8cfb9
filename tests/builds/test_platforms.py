"""Crates for platforms other than this machine's: skipped, failed, built and tested.

Those that compile for them need a toolchain for foreign platforms: the one that CROSS_TOOLCHAIN names.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from generator.platforms import Kind, PlatformName, host_platform
from generator.toolchain.host import find_host_toolchain
from generator.toolchain.runtimes import find_runtimes
from generator.toolchain.toolchain import unmet_need
from tests.conftest import MakeRepository
from tests.installing import install
from tests.support import Ran, cratematrix, cross_path, entry, library

# Threads of Rust's own, which end and are waited for, besides those of Node's pool.
SPREAD = """
#[napi]
pub fn spread(threads: u32) -> u32 {
    let all: Vec<_> = (0..threads).map(|each| std::thread::spawn(move || each)).collect();
    all.into_iter().map(|each| each.join().unwrap()).sum()
}
"""
MACS: tuple[PlatformName, ...] = ("darwin-x64", "darwin-arm64")


def equipped(kind: Kind, platform: PlatformName) -> str:
    """Return a PATH whose tools build for a platform, or skip and say what is missing."""
    path = cross_path()
    toolchain = find_host_toolchain({**os.environ, "PATH": path}).toolchain(host_platform() or "linux-x64-gnu")
    if lack := unmet_need(kind, platform, toolchain):
        pytest.skip(f"not run: {lack}")
    return path


@pytest.fixture(scope="module")
def path() -> str:
    """Return a PATH whose tools build for macOS."""
    return equipped("lib", MACS[0])


@pytest.fixture
def everything(path: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a PATH that has what runs programs of other platforms too: what CROSS_RUNTIMES names."""
    if runtimes := os.environ.get("CROSS_RUNTIMES"):
        monkeypatch.setenv("CRATEMATRIX_RUNTIMES", runtimes)
        path = f"{runtimes}/bin:{path}"
    found = {each.platform for each in find_runtimes({**os.environ, "PATH": path})}
    if "linux-arm64-gnu" not in found:
        pytest.skip("not run: neither qemu-user-static with libstdc++6-arm64-cross nor CROSS_RUNTIMES is there")
    return path


def built(top: Path, path: str | None = None) -> tuple[Ran, dict[str, Any]]:
    """Build all crates; how the command ended, and the one crate's report."""
    ran = cratematrix("build", "--all", cwd=top, env={"PATH": path} if path else {})
    return ran, json.loads((top / "dist/report.json").read_text())["crates"][0]


def units(crate: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    return {unit["platform"]: (unit["state"], unit["reason"]) for unit in crate["units"]}


def test_a_platform_that_cannot_be_built_here_is_skipped_with_its_reason(repository: MakeRepository) -> None:
    top = repository([entry("one", platforms=["linux-x64-gnu", "win32-x64-msvc"])], library("one"))
    ran, crate = built(top)
    assert (ran.code, crate["state"]) == (0, "built")
    state, reason = units(crate)["win32-x64-msvc"]
    assert state == "skipped"
    assert "rustup target add x86_64-pc-windows-msvc" in str(reason)


def test_a_required_platform_that_cannot_be_built_here_fails_its_crate(repository: MakeRepository) -> None:
    wanted = ["linux-x64-gnu", "win32-x64-msvc"]
    top = repository([entry("one", platforms=wanted, required=["win32-x64-msvc"])], library("one"))
    ran, crate = built(top)
    assert ran.code == 1
    assert crate["failure"]["message"].startswith("win32-x64-msvc is required: Rust's standard library for x86_64-pc-")
    assert crate["failure"]["class"] == "permanent"


def test_a_crate_that_is_built_for_none_of_its_platforms_fails(repository: MakeRepository) -> None:
    """Nothing was built, so nothing is there to use; a log would say no more."""
    top = repository([entry("one", platforms=["win32-x64-msvc"]), entry("two")], library("one") | library("two"))
    ran, crate = built(top)
    assert (ran.code, crate["state"], units(crate)["win32-x64-msvc"][0]) == (1, "failed", "skipped")
    message = crate["failure"]["message"]
    assert message.startswith("nothing was built (win32-x64-msvc: Rust's standard library for x86_64-pc-windows-msvc")
    assert message.endswith('if that is no failure, set "may_be_skipped" to true')
    assert ran.err.rstrip().endswith("error: 1 of 2 crates failed")
    assert not (top / "dist/logs/one.log").exists()


def test_a_crate_whose_dependencies_can_be_built_for_none_of_its_platforms_fails(repository: MakeRepository) -> None:
    """The fetched dependencies show which tools a crate needs."""
    files = library("one", rest='[dependencies]\ncmake = { path = "cmake" }\n')
    lock = 'name = "one"\nversion = "1.0.0"\n'
    locked = files["one/Cargo.lock"].replace(lock, f'{lock}dependencies = [\n "cmake",\n]\n')
    files["one/Cargo.lock"] = locked.replace(
        "[[package]]", '[[package]]\nname = "cmake"\nversion = "1.0.0"\n\n[[package]]'
    )
    files["one/cmake/Cargo.toml"] = '[package]\nname = "cmake"\nversion = "1.0.0"\nedition = "2021"\n'
    files["one/cmake/src/lib.rs"] = ""
    top = repository([entry("one", platforms=["linux-x64-gnu"])], files)
    if find_host_toolchain(os.environ).toolchain("linux-x64-gnu").programs & {"cmake"}:
        pytest.skip("not run: cmake is installed")
    ran, crate = built(top)
    assert (ran.code, crate["state"], units(crate)["linux-x64-gnu"][0]) == (1, "failed", "skipped")
    assert crate["failure"]["message"].startswith(
        "nothing was built (linux-x64-gnu: a dependency compiles C with cmake"
    )


@pytest.mark.parametrize("place", ["fleet", "crate"])
def test_a_skip_that_the_manifest_declares_is_no_failure(repository: MakeRepository, place: str) -> None:
    own: dict[str, Any] = {"may_be_skipped": True} if place == "crate" else {}
    fleet: dict[str, Any] = {"may_be_skipped": True} if place == "fleet" else {}
    top = repository([entry("one", platforms=["win32-x64-msvc"], **own)], library("one"), **fleet)
    ran, crate = built(top)
    assert (ran.code, crate["state"], crate["failure"]) == (0, "skipped", None)
    assert "1 crate: 1 skipped" in ran.err


@pytest.mark.slow
def test_a_failure_names_its_platform_and_the_others_are_built(repository: MakeRepository, path: str) -> None:
    code = '#[cfg(all(target_os = "macos", target_arch = "x86_64"))]\ncompile_error!("no Intel");\n'
    top = repository([entry("one", platforms=["linux-x64-gnu", *MACS])], library("one", code))
    ran, crate = built(top, path)
    assert ran.code == 1
    assert crate["failure"]["message"] == "darwin-x64: no Intel"
    assert {name: state for name, (state, _) in units(crate).items()} == {
        "linux-x64-gnu": "built", "darwin-x64": "failed", "darwin-arm64": "built",
    }  # fmt: skip


@pytest.mark.slow
def test_a_crate_that_links_apples_frameworks_is_not_even_compiled_without_an_sdk(
    repository: MakeRepository, path: str
) -> None:
    """The dependency has only the name of the real one: the check runs before compiling."""
    files = library("one", rest='[target."cfg(target_os = \\"macos\\")".dependencies]\n')
    files["one/Cargo.toml"] += 'core-foundation-sys = { path = "sys" }\n'
    files["one/Cargo.lock"] += '\n[[package]]\nname = "core-foundation-sys"\nversion = "1.0.0"\n'
    lock = 'name = "one"\nversion = "1.0.0"\n'
    files["one/Cargo.lock"] = files["one/Cargo.lock"].replace(
        lock, f'{lock}dependencies = [\n "core-foundation-sys",\n]\n'
    )
    files["one/sys/Cargo.toml"] = '[package]\nname = "core-foundation-sys"\nversion = "1.0.0"\nedition = "2021"\n'
    files["one/sys/src/lib.rs"] = ""
    top = repository([entry("one", platforms=["linux-x64-gnu", *MACS])], files)
    ran, crate = built(top, path)
    assert (ran.code, crate["state"]) == (0, "built"), ran.err
    assert units(crate)["linux-x64-gnu"][0] == "built"
    for platform in MACS:
        state, reason = units(crate)[platform]
        assert state == "skipped"
        assert str(reason).startswith("core-foundation-sys links Apple's frameworks")


@pytest.mark.slow
def test_a_build_command_is_repeated_for_other_platforms(repository: MakeRepository, path: str) -> None:
    command = "cargo build --offline --release --features extra"
    code = '#[cfg(not(feature = "extra"))]\ncompile_error!("the feature is off");\n'
    crate = entry("one", platforms=["linux-x64-gnu", MACS[1]], commands={"build": command, "test": "true"})
    top = repository([crate], library("one", code, "[features]\nextra = []\n"))
    ran, report = built(top, path)
    assert ran.code == 0, ran.err
    assert {state for state, _ in units(report).values()} == {"built"}


@pytest.mark.slow
def test_a_package_for_other_platforms_alone_is_made_and_not_loaded(repository: MakeRepository, path: str) -> None:
    files = library("one") | {"one/src/main.rs": "fn main() {}\n"}
    top = repository([entry("one", kind="bin", platforms=[MACS[1]], tests=False)], files)
    ran, crate = built(top, path)
    assert (ran.code, crate["state"], crate["loaded"]) == (0, "built", None), ran.err
    assert "not loaded: it was built for no platform that linux-x64-gnu runs" in crate["notes"]
    assert len(list((top / "dist").glob("*.tgz"))) == 1


@pytest.mark.slow
def test_without_a_tool_cache_each_crate_compiles_zigs_libraries(
    repository: MakeRepository, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "cache/cratematrix").mkdir(parents=True)
    (tmp_path / "cache/cratematrix/tools").touch()
    top = repository([entry("one", platforms=[MACS[1]], tests=False)], library("one"))
    ran, crate = built(top, path)
    assert (ran.code, crate["state"]) == (0, "built"), ran.err
    assert "so it is done for this crate alone: [Errno 20] Not a directory" in (top / "dist/logs/one.log").read_text()


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
def test_tests_that_take_too_long_on_another_platform_are_no_passed_ones(repository: MakeRepository, path: str) -> None:
    """The first build compiles zig's libraries, which does not count against the crate's timeout."""
    files = program("no processor")
    files["one/tests/program.rs"] += """
#[test]
fn never_ends() {
    while cfg!(target_env = "musl") {}
}
"""
    top = repository([entry("one", kind="bin", platforms=LINUX[:2], timeout_minutes=1)], files)
    ran, crate = built(top, path)
    assert (ran.code, crate["tests"], crate["failure"]["class"]) == (1, "failed", "too_slow")
    assert crate["failure"]["message"].startswith("linux-x64-musl: running the tests took longer than 1 minute:")
    assert {name: state for name, (state, _, _) in trials(crate).items()} == {
        "linux-x64-gnu": "passed", "linux-x64-musl": "failed",
    }  # fmt: skip
    assert any('"foreign_tests": false' in note for note in crate["notes"])


@pytest.mark.slow
def test_tests_of_other_platforms_can_be_turned_off(repository: MakeRepository, path: str) -> None:
    crate = entry("one", platforms=LINUX[:2], foreign_tests=False)
    ran, report = built(repository([crate], library("one")), path)
    assert ran.code == 0, ran.err
    assert trials(report) == {
        "linux-x64-gnu": ("none", None, "no test ran"), "linux-x64-musl": ("off", None, "foreign_tests is off"),
    }  # fmt: skip


@pytest.mark.slow
def test_a_test_command_of_the_manifests_own_is_run_on_the_host_alone(repository: MakeRepository, path: str) -> None:
    crate = entry("one", platforms=LINUX[:2], commands={"test": "true"})
    ran, report = built(repository([crate], library("one")), path)
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
    repository: MakeRepository, path: str, browser: str, expected: tuple[str, str | None, str | None]
) -> None:
    head = '[lib]\ncrate-type = ["cdylib", "rlib"]\n[dependencies]\n'
    head += 'wasm-bindgen = { version = "=0.2.130", default-features = false }\n'
    head += '[target.\'cfg(target_arch = "wasm32")\'.dev-dependencies]\nwasm-bindgen-test = "=0.3.80"\n'
    files = library("one", "use wasm_bindgen::prelude::*;\n#[wasm_bindgen]\npub fn one() -> u32 { 1 }\n", head)
    del files["one/Cargo.lock"]
    files["one/tests/wasm.rs"] = WASM_TEST.replace("BROWSER", browser)
    ran, crate = built(repository([entry("one", kind="wasm", platforms=["wasm32"])], files), path)
    assert ran.code == 0, ran.err
    assert crate["tests"] == ("none" if browser else "passed")  # on the host there is no test
    assert trials(crate) == {"wasm32": expected}
