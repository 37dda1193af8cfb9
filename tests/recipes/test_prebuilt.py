"""Prebuilt tools and libraries: the crates that share them, and those that need none."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generator.cargo.metadata import Package, Target
from generator.platforms import PLATFORMS, PlatformName
from generator.recipes.job import BuildJob, CrateMetadata
from generator.recipes.kinds import RECIPES
from generator.recipes.prebuilt import all_zig_libraries, prebuilt_programs, zig_libraries
from generator.recipes.recipe import Tool
from generator.sandboxes.environment import command_environment
from generator.toolchain.host import find_host_toolchain
from generator.toolchain.toolchain import Runtime, Toolchain, unmet_need
from tests.recipes.jobs import job_of
from tests.support import bash, cross_path, library, write_files

HOST: PlatformName = "linux-x64-gnu"
ARM: PlatformName = "linux-arm64-gnu"
FULL = Toolchain(
    "linux-x64-gnu",
    frozenset(each.target for each in PLATFORMS.values()),
    frozenset({"cargo-zigbuild"}),
    runtimes={ARM: Runtime("qemu 9", ("qemu",))},
)
# A library whose tests are linked in three ways: as the library, as the program and by rustdoc.
TESTED = """//! ```
//! assert_eq!(other::twice(2), 4);
//! ```
pub fn twice(number: u32) -> u32 { std::thread::spawn(move || 2 * number).join().unwrap() }
#[test]
fn doubles() { assert_eq!(twice(3), 6); }
"""


def job(kind: str = "lib", toolchain: Toolchain = FULL, **crate: Any) -> BuildJob:
    return job_of(Path("/build"), toolchain, kind=kind, **crate)


def name(job: BuildJob, platform: PlatformName) -> str | None:
    prebuilt = zig_libraries(job, platform)
    return prebuilt.name if prebuilt else None


@pytest.mark.parametrize(
    ("kind", "platform", "expected"),
    [
        ("lib", "linux-x64-gnu", "zig-x86_64-unknown-linux-gnu.2.17"),
        ("bin", "linux-x64-musl", "zig-x86_64-unknown-linux-musl"),
        ("lib", ARM, "zig-aarch64-unknown-linux-gnu.2.17"),
        ("napi", "linux-x64-musl", "zig-x86_64-unknown-linux-musl-addon"),
        ("lib", "darwin-arm64", "zig-aarch64-apple-darwin"),
        ("lib", "win32-x64-msvc", None),
        ("wasm", "wasm32", None),
    ],
)
def test_each_target_and_kind_of_linking_has_its_own_libraries(
    kind: str, platform: PlatformName, expected: str | None
) -> None:
    assert name(job(kind), platform) == expected


@pytest.mark.parametrize("platform", ["linux-x64-gnu", ARM, "darwin-arm64"])
def test_all_kinds_share_zigs_libraries_but_for_musl(platform: PlatformName) -> None:
    assert len({name(job(kind), platform) for kind in ("napi", "bin", "lib")}) == 1


def test_another_glibc_has_its_own() -> None:
    assert name(job(glibc="2.28"), ARM) == "zig-aarch64-unknown-linux-gnu.2.28"


def test_the_hosts_own_compiler_needs_none() -> None:
    assert name(job(toolchain=Toolchain("linux-x64-gnu", frozenset())), "linux-x64-gnu") is None


def test_programs_of_one_crate_are_built_and_kept_together() -> None:
    prebuilt = prebuilt_programs(Tool("wasm-bindgen-cli", "1.2.3", ("wasm-bindgen", "wasm-bindgen-test-runner")))
    assert prebuilt.name == "wasm-bindgen+wasm-bindgen-test-runner-1.2.3"
    assert "--bin wasm-bindgen --bin wasm-bindgen-test-runner" in prebuilt.build
    assert prebuilt.fetch is not None
    assert "cargo build" not in prebuilt.fetch


@pytest.fixture
def path() -> str:
    """Return a PATH with the toolchain, and with the runtimes for other platforms if the environment names them."""
    runtimes = os.environ.get("CROSS_RUNTIMES")
    given = f"{runtimes}/bin:{cross_path()}" if runtimes else cross_path()
    return f"{find_host_toolchain({**os.environ, 'PATH': given}).rust}/bin:{given}"


@pytest.fixture
def toolchain(path: str) -> Toolchain:
    """Return a toolchain for this machine and ARM alone, with a runtime for ARM if there is one."""
    found = find_host_toolchain({**os.environ, "PATH": path}).toolchain(HOST, isolated=False)
    if lack := unmet_need("bin", ARM, found):
        pytest.skip(f"not run: {lack}")
    runtimes = {name: each for name, each in found.runtimes.items() if name == ARM}
    return replace(found, targets=frozenset({found.target("bin", ARM)}), runtimes=runtimes)


def objects(root: Path) -> set[Path]:
    return {each for each in (root / "home/.cache/zig/o").rglob("*") if each.is_file()}


@pytest.mark.slow
def test_a_crate_has_zig_compile_nothing_that_an_image_holds(tmp_path: Path, path: str, toolchain: Toolchain) -> None:
    def run(script: str, directory: Path) -> None:
        directory.mkdir(exist_ok=True)
        done = bash(script, directory, command_environment(str(tmp_path), path, 2, {}))
        assert done.returncode == 0, done.stderr

    (tmp_path / "home").mkdir()
    run(all_zig_libraries(toolchain, "2.17"), tmp_path / "place")
    held = objects(tmp_path)
    assert {"libcompiler_rt.a", "libunwind.a"} <= {each.name for each in held}

    write_files(tmp_path / "source", library("other", TESTED))
    (tmp_path / "source/other/src/main.rs").write_text('fn main() { println!("{}", other::twice(4)); }\n')
    job = job_of(tmp_path, toolchain)
    targets = (Target(name="other", kind=("lib",)), Target(name="other", kind=("bin",)))
    metadata = CrateMetadata(Package(id="x", name="other", version="1.0.0", manifest_path="", targets=targets), None)
    for platform in (HOST, ARM):
        run(RECIPES["bin"].compile(job, metadata, platform), tmp_path / "source/other")
        if platform == HOST or toolchain.runtimes:
            run(str(RECIPES["bin"].test(job, metadata, platform).script), tmp_path / "source/other")
    assert objects(tmp_path) == held
