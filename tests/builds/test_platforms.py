"""Crates for platforms other than this machine's: what is skipped, what fails, and what is told of the others.

Those that compile for them need a toolchain for foreign platforms: the one that CROSS_TOOLCHAIN names.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from generator.equipment import missing
from generator.platforms import Kind, PlatformName, host_platform
from generator.sandboxes.toolchain import find_toolchain
from tests.conftest import MakeRepository
from tests.support import Ran, cratematrix, entry, library

MACS: tuple[PlatformName, ...] = ("darwin-x64", "darwin-arm64")


def equipped(kind: Kind, platform: PlatformName) -> str:
    """Return a PATH whose tools build for a platform, or skip and say what is missing."""
    path = os.environ["PATH"]
    if toolchain := os.environ.get("CROSS_TOOLCHAIN"):
        path = f"{toolchain}/bin:{path}"
    equipment = find_toolchain({**os.environ, "PATH": path}).equipment(host_platform() or "linux-x64-gnu")
    if lack := missing(kind, platform, equipment):
        pytest.skip(f"not run: {lack}")
    return path


@pytest.fixture(scope="module")
def path() -> str:
    """Return a PATH whose tools build for macOS."""
    return equipped("lib", MACS[0])


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


def test_a_failure_says_which_platform_it_was_for_and_the_others_are_told_too(
    repository: MakeRepository, path: str
) -> None:
    code = '#[cfg(all(target_os = "macos", target_arch = "x86_64"))]\ncompile_error!("no Intel");\n'
    top = repository([entry("one", platforms=["linux-x64-gnu", *MACS])], library("one", code))
    ran, crate = built(top, path)
    assert ran.code == 1
    assert crate["failure"]["message"] == "darwin-x64: no Intel"
    assert {name: state for name, (state, _) in units(crate).items()} == {
        "linux-x64-gnu": "built", "darwin-x64": "failed", "darwin-arm64": "built",
    }  # fmt: skip


def test_a_crate_that_links_apples_frameworks_is_not_even_compiled_without_an_sdk(
    repository: MakeRepository, path: str
) -> None:
    """The dependency is one by name only: what matters is that it is known before anything is compiled."""
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


def test_a_build_command_is_repeated_for_other_platforms(repository: MakeRepository, path: str) -> None:
    command = "cargo build --offline --release --features extra"
    code = '#[cfg(not(feature = "extra"))]\ncompile_error!("the feature is off");\n'
    crate = entry("one", platforms=["linux-x64-gnu", MACS[1]], commands={"build": command, "test": "true"})
    top = repository([crate], library("one", code, "[features]\nextra = []\n"))
    ran, report = built(top, path)
    assert ran.code == 0, ran.err
    assert {state for state, _ in units(report).values()} == {"built"}


def test_a_package_for_other_platforms_alone_is_made_and_said_not_to_be_loaded(
    repository: MakeRepository, path: str
) -> None:
    files = library("one") | {"one/src/main.rs": "fn main() {}\n"}
    top = repository([entry("one", kind="bin", platforms=[MACS[1]], tests=False)], files)
    ran, crate = built(top, path)
    assert (ran.code, crate["state"], crate["loaded"]) == (0, "built", None), ran.err
    assert "not loaded: it was built for no platform that linux-x64-gnu runs" in crate["notes"]
    assert len(list((top / "dist").glob("*.tgz"))) == 1


def test_an_addon_runs_as_webassembly_on_threads_of_its_own(fleet_copy: Path, tmp_path: Path) -> None:
    path, manifest = equipped("napi", "wasm32"), json.loads((fleet_copy / "crates.json").read_text())
    for crate in manifest["crates"]:
        crate["platforms"] = ["linux-x64-gnu", "wasm32"] if crate["name"] == "fleet-text" else ["linux-x64-gnu"]
    (fleet_copy / "wasm.json").write_text(json.dumps({**manifest, "crates": manifest["crates"][:2]}))
    words = ("--manifest", "wasm.json", "--crate", "fleet-text", "--out", tmp_path / "out")
    ran = cratematrix("build", *words, cwd=fleet_copy, env={"PATH": path})
    assert ran.code == 0, ran.err
    (crate,) = json.loads((tmp_path / "out/report.json").read_text())["crates"]
    assert [(unit["state"], unit["audit"][0]["findings"]) for unit in crate["units"]] == [("built", []), ("built", [])]
    assert crate["loaded"].endswith(' and require("./node_modules/@fleet/fleet-text/fleet-text.wasi.cjs")')
    script = "require('@fleet/fleet-text').countWords(Buffer.from('one two three')).then(console.log)"
    for command in (
        [
            "npm",
            "install",
            "--no-audit",
            "--no-fund",
            "--prefix",
            tmp_path,
            tmp_path / "out" / crate["package"]["file"],
        ],
        ["node", "-e", script],
    ):
        # With this word napi's loader fails rather than take the addon of this machine.
        env = {**os.environ, "NAPI_RS_FORCE_WASI": "error"}
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)  # noqa: TID251
        assert done.returncode == 0, done.stderr
    assert done.stdout == "3\n"
