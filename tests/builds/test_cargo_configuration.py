"""A project's own configuration of Cargo and of Rust counts in a sandbox as in its checkout."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from generator.platforms import host_platform
from generator.toolchain.host import HostToolchain, find_host_toolchain
from generator.toolchain.toolchain import unmet_need
from tests.conftest import MakeRepository
from tests.support import Ran, cratematrix, cross_path, entry, library, unpack

pytestmark = pytest.mark.slow

CHECKSUM = "0" * 64
# Prints which options it was compiled with.
FANCY = 'fn main() { println!("{}{}", cfg!(fancy), option_env!("WORDS").unwrap_or_default()); }\n'
USES_WORDS = 'fn main() { println!("cargo:rerun-if-env-changed=WORDS"); }\n'


def program(name: str, main: str, rest: str = "") -> dict[str, str]:
    files = library(name, "", rest)
    del files[f"{name}/src/lib.rs"]
    return files | {f"{name}/src/main.rs": main}


def built(top: Path, env: Mapping[str, str] | None = None, *more: str) -> tuple[Ran, dict[str, dict[str, Any]]]:
    """Build all crates; how the command ended, and the report of each."""
    ran = cratematrix("build", "--all", *more, cwd=top, env=env)
    crates = json.loads((top / "dist/report.json").read_text())["crates"]
    return ran, {each["name"]: each for each in crates}


def said(top: Path, crate: dict[str, Any], platform: str, tmp_path: Path) -> str:
    """Return what the crate's program for a platform prints."""
    directory = tmp_path / str(crate["name"])
    unpack(top / "dist" / crate["package"]["file"], directory)
    file = directory / "package/bin" / platform / crate["name"]
    return subprocess.run([file], capture_output=True, text=True, check=True).stdout.strip()  # noqa: TID251


def vendored(name: str) -> dict[str, str]:
    """Return a workspace with two members, of which one depends on a crate that is vendored below it."""
    package = '[package]\nname = "{}"\nversion = "1.0.0"\nedition = "2021"\n'
    dependency = f'source = "registry+https://github.com/rust-lang/crates.io-index"\nchecksum = "{CHECKSUM}"\n'
    return {
        f"{name}/Cargo.toml": '[workspace]\nmembers = ["member", "other"]\nresolver = "2"\n',
        f"{name}/Cargo.lock": (
            f'version = 4\n\n[[package]]\nname = "{name}"\nversion = "1.0.0"\ndependencies = [\n "far-away",\n]\n\n'
            f'[[package]]\nname = "far-away"\nversion = "1.0.0"\n{dependency}\n'
            '[[package]]\nname = "other"\nversion = "1.0.0"\n'
        ),
        f"{name}/member/Cargo.toml": package.format(name) + '[dependencies]\nfar-away = "1"\n',
        f"{name}/member/src/lib.rs": "pub use far_away::*;\n",
        f"{name}/member/.cargo/config.toml": (
            '[source.crates-io]\nreplace-with = "vendored"\n[source.vendored]\ndirectory = "vendor"\n'
        ),
        f"{name}/member/vendor/far-away/Cargo.toml": package.format("far-away"),
        f"{name}/member/vendor/far-away/src/lib.rs": "",
        f"{name}/member/vendor/far-away/.cargo-checksum.json": json.dumps({"files": {}, "package": CHECKSUM}),
        f"{name}/other/Cargo.toml": package.format("other"),
        f"{name}/other/src/lib.rs": "",
    }


def test_the_configuration_counts_as_in_the_checkout(repository: MakeRepository, tmp_path: Path) -> None:
    files = {
        **program("targeted", FANCY), "targeted/.cargo/config.toml": (
            '[build]\ntarget = "x86_64-unknown-linux-gnu"\nrustflags = ["--cfg", "fancy"]\nrustc-wrapper = "sccache"\n'
            '[env]\nWORDS = " of the configuration"\n'
        ),
        "targeted/tests/own.rs": "#[test]\nfn passes() { assert!(cfg!(fancy)); }\n",
        **program("aliased", FANCY, "[features]\nneeded = []\n"),
        "aliased/.cargo/config": '[alias]\nship = ["build", "--release", "--offline"]\n',
        **vendored("vendored"),
        **library("unsupported"), "unsupported/.cargo/config.toml": "\n[patch.crates-io]\nx = { path = 'x' }\n",
        **library("wrapped"), "wrapped/.cargo/config.toml": '[build]\nrustc-wrapper = "not-there"\n',
        **library("running"), "running/.cargo/config.toml": "[target.'cfg(unix)']\nrunner = 'not-there -v'\n",
    }  # fmt: skip
    crates = [
        entry("targeted", kind="bin"),
        entry("aliased", kind="bin", commands={"build": "WORDS=' of the command' cargo ship", "test": "true"}),
        entry("vendored", source={"path": "vendored/member"}),
        entry("unsupported"),
        entry("wrapped"),
        entry("running"),
    ]
    _, reports = built(top := repository(crates, files))
    failures = {name: each["failure"] for name, each in reports.items() if each["failure"]}
    assert failures.keys() == {"unsupported", "wrapped", "running"}, failures
    assert said(top, reports["targeted"], "linux-x64-gnu", tmp_path) == "true of the configuration"
    assert reports["targeted"]["units"][0]["tests"]["state"] == "passed"
    assert "sccache is not used: sandboxes are new for each crate" in reports["targeted"]["notes"]
    assert said(top, reports["aliased"], "linux-x64-gnu", tmp_path) == "false of the command"
    assert (failures["unsupported"]["file"], failures["unsupported"]["line"]) == ("unsupported/.cargo/config.toml", 2)
    assert "[patch] is not supported in Cargo's configuration" in failures["unsupported"]["message"]
    assert "names the program not-there in build.rustc-wrapper" in failures["wrapped"]["message"]
    assert "names the program not-there in target.cfg(unix).runner" in failures["running"]["message"]
    assert (failures["running"]["file"], failures["running"]["line"]) == ("running/.cargo/config.toml", 2)


def test_a_checkout_with_other_line_endings_builds(repository: MakeRepository) -> None:
    files = {
        name: text if "checksum.json" in name else text.replace("\n", "\r\n") for name, text in vendored("one").items()
    }
    top = repository([], {})
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(text.encode())
    manifest = json.loads((top / "crates.json").read_text())
    manifest["crates"] = [entry("one", source={"path": "one/member"})]
    (top / "crates.json").write_text(json.dumps(manifest).replace("\n", "\r\n"))
    subprocess.run(["git", "add", "--all"], cwd=top, check=True, capture_output=True)  # noqa: TID251
    ran, reports = built(top)
    assert ran.code == 0, ran.err
    assert reports["one"]["state"] == "built"


def test_the_channel_of_rust_toolchain_is_used_where_it_is_installed(
    repository: MakeRepository, toolchain: HostToolchain
) -> None:
    channel = next((each for each in toolchain.channels if "-nightly" in each.version), None)
    if channel is None:
        pytest.skip("not run: rustup has no nightly channel beside the default one")
    code = "#![feature(never_type)]\n#[test]\nfn passes() {}\n"
    files = {**library("one", code), "rust-toolchain.toml": f'[toolchain]\nchannel = "{channel.name}"\n'}
    ran, reports = built(top := repository([entry("one")], files))
    assert ran.code == 0, ran.err
    assert not [each for each in reports["one"]["notes"] if "rust-toolchain" in each]
    (top / "rust-toolchain.toml").write_text('[toolchain]\nchannel = "1.0.7"\n')
    ran, reports = built(top)
    assert ran.code == 1
    (note,) = [each for each in reports["one"]["notes"] if "rust-toolchain" in each]
    assert note.startswith(
        f"rust-toolchain.toml asks for Rust 1.0.7, which is not installed, so Rust {toolchain.rustc_version} is"
    )
    assert "rustup toolchain install 1.0.7" in note


def test_flags_of_a_project_hold_on_every_platform(repository: MakeRepository, tmp_path: Path) -> None:
    path = cross_path()
    tools = find_host_toolchain({**os.environ, "PATH": path}).toolchain(host_platform() or "linux-x64-gnu")
    if lack := unmet_need("bin", "linux-x64-musl", tools):
        pytest.skip(f"not run: {lack}")
    command = "cargo build --offline --release"
    configured = '[build]\nrustflags = ["--cfg", "fancy"]\nrustdocflags = ["--cfg", "fancy"]\n'
    condition = "[build]\nrustflags = ['--cfg', 'other']\n[target.'cfg(unix)']\nrustflags = ['--cfg', 'fancy']\n"
    crates: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
        "configured": (configured, {}, {}),
        "conditional": (condition, {}, {}),
        "variable": ("", {"env": ["RUSTFLAGS"]}, {"RUSTFLAGS": "--cfg fancy"}),
        "command": (configured, {"commands": {"build": f"WORDS=' words' {command}", "test": "true"}}, {}),
        "flagged": ("", {"commands": {"build": f"RUSTFLAGS='--cfg fancy' {command}", "test": "true"}}, {}),
    }
    files, entries, env = dict[str, str](), [], {"PATH": path}
    for name, (text, keys, variables) in crates.items():
        files |= program(name, FANCY) | {f"{name}/.cargo/config.toml": text, f"{name}/build.rs": USES_WORDS}
        entries.append(entry(name, kind="bin", **keys))
        env |= variables
    ran, reports = built(top := repository(entries, files, platforms=["linux-x64-gnu", "linux-x64-musl"]), env)
    assert ran.code == 0, ran.err
    for name in crates:
        words = "true words" if name == "command" else "true"
        for platform in ("linux-x64-gnu", "linux-x64-musl"):
            assert said(top, reports[name], platform, tmp_path / platform) == words, (name, platform)
