"""Cargo's options and variables for each platform."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from generator.platforms import PLATFORMS, Kind, PlatformName
from generator.recipes.cargo_target import ProjectFlags, cargo_target
from generator.toolchain.toolchain import Toolchain
from tests.support import bash

TARGETS = frozenset(each.target for each in PLATFORMS.values())
FULL = Toolchain("linux-x64-gnu", TARGETS, frozenset({"cargo-zigbuild", "cargo-xwin"}), frozenset({"x64", "arm64"}))
BARE = Toolchain("linux-x64-gnu", TARGETS)


@pytest.mark.parametrize(
    ("kind", "platform", "script"),
    [
        (
            "bin", "linux-x64-gnu",
            ("export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTDOCFLAGS='-C strip=debuginfo'\n"
            "cargo zigbuild --release --target x86_64-unknown-linux-gnu.2.28"),
        ),
        (
            "bin", "linux-arm64-gnu",
            ("export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTDOCFLAGS='-C strip=debuginfo'\n"
            "cargo zigbuild --release --target aarch64-unknown-linux-gnu.2.28"),
        ),
        (
            "bin", "linux-x64-musl",
            ("export CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_RUSTFLAGS="
            "'-C target-feature=+crt-static -C link-self-contained=no'\n"
            "export CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_RUSTDOCFLAGS="
            "'-C target-feature=+crt-static -C link-self-contained=no -C strip=debuginfo'\n"
            "cargo zigbuild --release --target x86_64-unknown-linux-musl"),
        ),
        (
            "napi", "linux-x64-musl",
            ("export CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_RUSTFLAGS="
            "'-C target-feature=-crt-static -C link-self-contained=no'\n"
            "export CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_RUSTDOCFLAGS="
            "'-C target-feature=-crt-static -C link-self-contained=no -C strip=debuginfo'\n"
            "cargo zigbuild --release --target x86_64-unknown-linux-musl"),
        ),
        (
            "napi", "linux-arm64-musl",
            ("export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUSTFLAGS="
            "'-C target-feature=-crt-static -C link-self-contained=no'\n"
            "export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUSTDOCFLAGS="
            "'-C target-feature=-crt-static -C link-self-contained=no -C strip=debuginfo'\n"
            "cargo zigbuild --release --target aarch64-unknown-linux-musl"),
        ),
        (
            "bin", "linux-arm64-musl",
            ("export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUSTFLAGS="
            "'-C target-feature=+crt-static -C link-self-contained=no'\n"
            "export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUSTDOCFLAGS="
            "'-C target-feature=+crt-static -C link-self-contained=no -C strip=debuginfo'\n"
            "cargo zigbuild --release --target aarch64-unknown-linux-musl"),
        ),
        (
            "napi", "darwin-arm64",
            ("export CARGO_TARGET_AARCH64_APPLE_DARWIN_RUSTFLAGS='-C link-arg=-undefined -C link-arg=dynamic_lookup'\n"
            "export CARGO_TARGET_AARCH64_APPLE_DARWIN_RUSTDOCFLAGS='-C link-arg=-undefined -C link-arg=dynamic_lookup'\n"
            "export MACOSX_DEPLOYMENT_TARGET=11.0\nexport CARGO_PROFILE_RELEASE_STRIP=none\n"
            "cargo zigbuild --release --target aarch64-apple-darwin"),
        ),
        (
            "bin", "darwin-x64",
            ("export MACOSX_DEPLOYMENT_TARGET=10.13\nexport CARGO_PROFILE_RELEASE_STRIP=none\n"
            "cargo zigbuild --release --target x86_64-apple-darwin"),
        ),
        ("wasm", "wasm32", "cargo build --release --target wasm32-unknown-unknown"),
        ("napi", "wasm32", "cargo build --release --target wasm32-wasip1-threads"),
    ],
)  # fmt: skip
def test_each_platform_has_its_linker_and_variables(kind: Kind, platform: PlatformName, script: str) -> None:
    assert cargo_target(kind, platform, "2.28", FULL).script("--release") == script


@pytest.mark.parametrize("kind", ["napi", "bin"])
@pytest.mark.parametrize(("platform", "processor"), [("win32-x64-msvc", "x86_64"), ("win32-arm64-msvc", "aarch64")])
def test_windows_is_linked_through_xwin_with_its_runtime_inside(
    kind: Kind, platform: PlatformName, processor: str
) -> None:
    script = cargo_target(kind, platform, "2.17", FULL).script("--release")
    assert script.endswith(f"cargo xwin build --release --target {processor}-pc-windows-msvc")
    flags = f"CARGO_TARGET_{processor.upper()}_PC_WINDOWS_MSVC_RUSTFLAGS"
    assert f"export {flags}='-C target-feature=+crt-static'\n" in script
    assert f"export XWIN_ARCH={processor}\n" in script


def test_without_zig_the_hosts_own_linker_builds_for_the_host() -> None:
    host = cargo_target("bin", "linux-x64-gnu", "2.17", BARE)
    assert host.script("--release --bins") == "cargo build --release --bins"
    assert host.directory == "release"
    assert cargo_target("bin", "linux-x64-gnu", "2.17", FULL).directory == "x86_64-unknown-linux-gnu/release"


ADDED = "-C target-feature=+crt-static -C link-self-contained=no"
MUSL = "CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_RUSTFLAGS"


@pytest.mark.parametrize(
    ("project", "environment", "flags"),
    [
        (ProjectFlags(), {}, {MUSL: ADDED}),
        (ProjectFlags(("--cfg", "fancy")), {}, {MUSL: f"--cfg fancy {ADDED}"}),
        # Cargo joins the variable with the flags of [target], and then drops those of [build].
        (ProjectFlags(None), {"CARGO_BUILD_RUSTFLAGS": "--cfg env"}, {MUSL: ADDED}),
        (ProjectFlags(("--cfg", "fancy")), {"CARGO_BUILD_RUSTFLAGS": "--cfg env"}, {MUSL: f"--cfg fancy --cfg env {ADDED}"}),
        (ProjectFlags(("--cfg", "fancy")), {MUSL: "--cfg env"}, {MUSL: f"--cfg env {ADDED}"}),
        (ProjectFlags(("--cfg", "fancy")), {"RUSTFLAGS": "--cfg env"}, {"RUSTFLAGS": f"--cfg env {ADDED}"}),
        (ProjectFlags(), {"RUSTFLAGS": ""}, {"RUSTFLAGS": ADDED}),
        (
            ProjectFlags(("--cfg", "fancy")),
            {"CARGO_ENCODED_RUSTFLAGS": "--cfg\x1fa=\"b c\"", "RUSTFLAGS": "--cfg env"},
            {"CARGO_ENCODED_RUSTFLAGS": "--cfg\x1fa=\"b c\"\x1f" + ADDED.replace(" ", "\x1f"), "RUSTFLAGS": "--cfg env"},
        ),
        (ProjectFlags(), {"CARGO_ENCODED_RUSTFLAGS": ""}, {"CARGO_ENCODED_RUSTFLAGS": ADDED.replace(" ", "\x1f")}),
    ],
)  # fmt: skip
def test_options_are_added_to_the_flags_that_cargo_reads(
    tmp_path: Path, project: ProjectFlags, environment: dict[str, str], flags: dict[str, str]
) -> None:
    exports = cargo_target("bin", "linux-x64-musl", "2.17", FULL, project).exports
    # Twice, as for a build command whose Cargo builds are recorded.
    done = bash(f"{exports}{exports}env -0", tmp_path, {"PATH": os.environ["PATH"], **environment})
    found = dict(each.split("=", 1) for each in done.stdout.split("\0") if each)
    assert {
        name: value for name, value in found.items() if "RUSTFLAGS" in name and name != "CARGO_BUILD_RUSTFLAGS"
    } == flags
    assert "RUSTDOCFLAGS" in "".join(found)


def test_a_project_that_names_a_target_gets_the_hosts_by_name() -> None:
    host = cargo_target("bin", "linux-x64-gnu", "2.17", BARE, ProjectFlags(names_target=True))
    assert host.script("--release") == "cargo build --release --target x86_64-unknown-linux-gnu"
    assert host.directory == "x86_64-unknown-linux-gnu/release"
