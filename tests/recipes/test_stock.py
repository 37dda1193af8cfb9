"""What is made once for a machine: which crates share it, and which need none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from generator.equipment import Equipment, Runtime
from generator.platforms import PLATFORMS, PlatformName
from generator.recipes.job import Described, Job, Package, Target
from generator.recipes.recipe import Tool
from generator.recipes.stock import programs, zig_libraries
from tests.recipes.jobs import job_of

ARM: PlatformName = "linux-arm64-gnu"
FULL = Equipment(
    "linux-x64-gnu",
    frozenset(each.target for each in PLATFORMS.values()),
    frozenset({"cargo-zigbuild"}),
    runtimes={ARM: Runtime("qemu 9", ("qemu",))},
)
LIBRARY = Target(name="x", kind=("lib",), crate_types=("lib",))
PROGRAM = Target(name="x", kind=("bin",), crate_types=("bin",))


def job(kind: str = "lib", equipment: Equipment = FULL, **crate: Any) -> Job:
    return job_of(Path("/build"), equipment, kind=kind, **crate)


def names(job: Job, platform: PlatformName, *targets: Target) -> list[str]:
    package = Package(name="x", version="1.0.0", manifest_path="Cargo.toml", targets=targets or (LIBRARY,))
    return [stock.name for stock in zig_libraries(job, Described(package, None), platform)]


@pytest.mark.parametrize(
    ("kind", "platform", "expected"),
    [
        ("lib", "linux-x64-gnu", ["zig-x86_64-unknown-linux-gnu.2.17", "zig-x86_64-unknown-linux-gnu.2.17-tests"]),
        ("bin", "linux-x64-musl", ["zig-x86_64-unknown-linux-musl", "zig-x86_64-unknown-linux-musl-tests"]),
        ("lib", ARM, ["zig-aarch64-unknown-linux-gnu.2.17", "zig-aarch64-unknown-linux-gnu.2.17-tests"]),
        ("napi", "linux-x64-musl", ["zig-x86_64-unknown-linux-musl-addon"]),
        ("lib", "darwin-arm64", ["zig-aarch64-apple-darwin"]),
        ("lib", "win32-x64-msvc", []),
        ("wasm", "wasm32", []),
    ],
)
def test_each_way_to_link_has_its_own(kind: str, platform: PlatformName, expected: list[str]) -> None:
    assert names(job(kind), platform) == expected


def test_programs_and_libraries_share_what_they_are_linked_with() -> None:
    assert names(job("bin"), ARM) == names(job("lib"), ARM)


def test_what_rustdoc_links_with_is_for_libraries_whose_tests_run() -> None:
    alone = ["zig-aarch64-unknown-linux-gnu.2.17"]
    assert names(job("bin"), ARM, PROGRAM) == alone
    assert names(job(tests=False), ARM) == alone
    assert names(job(foreign_tests=False), ARM) == alone


def test_another_glibc_has_its_own() -> None:
    assert names(job(glibc="2.28"), ARM)[0] == "zig-aarch64-unknown-linux-gnu.2.28"


def test_the_hosts_own_compiler_needs_none() -> None:
    assert names(job(equipment=Equipment("linux-x64-gnu", frozenset())), "linux-x64-gnu") == []


def test_programs_of_one_crate_are_built_and_kept_together() -> None:
    stock = programs(Tool("wasm-bindgen-cli", "1.2.3", ("wasm-bindgen", "wasm-bindgen-test-runner")))
    assert stock.name == "wasm-bindgen+wasm-bindgen-test-runner-1.2.3"
    assert "--bin wasm-bindgen --bin wasm-bindgen-test-runner" in stock.make
    assert stock.fetch is not None
    assert "cargo build" not in stock.fetch
