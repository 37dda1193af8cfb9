"""Crates for platforms other than this machine's: skipped, failed and built.

Those that compile for them need a toolchain for foreign platforms: the one that CROSS_TOOLCHAIN names.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from generator.toolchain.host import find_host_toolchain
from tests.builds.foreign import MACS, built, units
from tests.conftest import MakeRepository
from tests.support import entry, library


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
def test_a_failure_names_its_platform_and_the_others_are_built(repository: MakeRepository, mac_path: str) -> None:
    code = '#[cfg(all(target_os = "macos", target_arch = "x86_64"))]\ncompile_error!("no Intel");\n'
    top = repository([entry("one", platforms=["linux-x64-gnu", *MACS])], library("one", code))
    ran, crate = built(top, mac_path)
    assert ran.code == 1
    assert crate["failure"]["message"] == "darwin-x64: no Intel"
    assert {name: state for name, (state, _) in units(crate).items()} == {
        "linux-x64-gnu": "built", "darwin-x64": "failed", "darwin-arm64": "built",
    }  # fmt: skip


@pytest.mark.slow
def test_a_crate_that_links_apples_frameworks_is_not_even_compiled_without_an_sdk(
    repository: MakeRepository, mac_path: str
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
    ran, crate = built(top, mac_path)
    assert (ran.code, crate["state"]) == (0, "built"), ran.err
    assert units(crate)["linux-x64-gnu"][0] == "built"
    for platform in MACS:
        state, reason = units(crate)[platform]
        assert state == "skipped"
        assert str(reason).startswith("core-foundation-sys links Apple's frameworks")


@pytest.mark.slow
def test_a_build_command_is_repeated_for_other_platforms(repository: MakeRepository, mac_path: str) -> None:
    command = "cargo build --offline --release --features extra"
    code = '#[cfg(not(feature = "extra"))]\ncompile_error!("the feature is off");\n'
    crate = entry("one", platforms=["linux-x64-gnu", MACS[1]], commands={"build": command, "test": "true"})
    top = repository([crate], library("one", code, "[features]\nextra = []\n"))
    ran, report = built(top, mac_path)
    assert ran.code == 0, ran.err
    assert {state for state, _ in units(report).values()} == {"built"}


@pytest.mark.slow
def test_a_package_for_other_platforms_alone_is_made_and_not_loaded(repository: MakeRepository, mac_path: str) -> None:
    files = library("one") | {"one/src/main.rs": "fn main() {}\n"}
    top = repository([entry("one", kind="bin", platforms=[MACS[1]], tests=False)], files)
    ran, crate = built(top, mac_path)
    assert (ran.code, crate["state"], crate["loaded"]) == (0, "built", None), ran.err
    assert "not loaded: it was built for no platform that linux-x64-gnu runs" in crate["notes"]
    assert len(list((top / "dist").glob("*.tgz"))) == 1


@pytest.mark.slow
def test_without_a_tool_cache_each_crate_compiles_zigs_libraries(
    repository: MakeRepository, mac_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "cache/cratematrix").mkdir(parents=True)
    (tmp_path / "cache/cratematrix/tools").touch()
    top = repository([entry("one", platforms=[MACS[1]], tests=False)], library("one"))
    ran, crate = built(top, mac_path)
    assert (ran.code, crate["state"]) == (0, "built"), ran.err
    assert "so it is done for this crate alone: [Errno 20] Not a directory" in (top / "dist/logs/one.log").read_text()
