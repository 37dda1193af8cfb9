"""Platforms that a machine can build for, by its toolchain."""

from __future__ import annotations

import pytest

from generator.platforms import NATIVE, PLATFORM_NAMES, PLATFORMS, Kind, PlatformName
from generator.toolchain.toolchain import Linker, Program, RustChannel, Toolchain, unmet_dependency, unmet_need

ALL = frozenset(each.target for each in PLATFORMS.values()) | {"wasm32-wasip1-threads"}
EVERYTHING: frozenset[Program] = frozenset({"cargo-zigbuild", "cargo-xwin", "clang", "cmake"})
FULL = Toolchain("linux-x64-gnu", ALL, EVERYTHING, frozenset({"x64", "arm64"}))
BARE = Toolchain("linux-x64-gnu", frozenset({"x86_64-unknown-linux-gnu"}))


@pytest.mark.parametrize("platform", PLATFORM_NAMES)
def test_a_linux_machine_with_everything_builds_for_all(platform: PlatformName) -> None:
    assert unmet_need("napi", platform, FULL) is None


def test_a_bare_machine_builds_for_itself_only_and_names_the_needs_of_others() -> None:
    assert unmet_need("bin", "linux-x64-gnu", BARE) is None
    needs = {platform: str(unmet_need("bin", platform, BARE)) for platform in NATIVE if platform != "linux-x64-gnu"}
    for platform, words in needs.items():
        assert f"run `rustup target add {PLATFORMS[platform].target}`" in words
        assert ("pip install cargo-xwin" if platform.startswith("win32") else "pip install ziglang") in words


def test_microsofts_libraries_for_one_processor_are_of_no_use_for_another() -> None:
    one = Toolchain("linux-x64-gnu", ALL, EVERYTHING)
    assert unmet_need("bin", "win32-x64-msvc", one) is None
    assert "XWIN_ARCH=x86_64,aarch64 cargo-xwin cache xwin" in str(unmet_need("bin", "win32-arm64-msvc", one))


def test_another_abi_of_windows_does_not_count_as_microsofts() -> None:
    gnu = Toolchain("linux-x64-gnu", frozenset({"x86_64-pc-windows-gnu"}), frozenset({"cargo-zigbuild"}))
    assert "x86_64-pc-windows-msvc is not installed" in str(unmet_need("napi", "win32-x64-msvc", gnu))


@pytest.mark.parametrize(
    ("host", "platform", "programs", "linker"),
    [
        ("linux-x64-gnu", "linux-x64-gnu", frozenset(), "cc"),
        ("linux-x64-gnu", "linux-x64-gnu", EVERYTHING, "zig"),
        ("linux-x64-musl", "linux-x64-musl", EVERYTHING, "cc"),
        ("linux-x64-gnu", "darwin-arm64", EVERYTHING, "zig"),
        ("darwin-arm64", "darwin-arm64", EVERYTHING, "cc"),
        ("darwin-arm64", "darwin-x64", EVERYTHING, "cc"),
        ("darwin-arm64", "linux-arm64-gnu", EVERYTHING, "zig"),
        ("linux-x64-gnu", "win32-x64-msvc", EVERYTHING, "xwin"),
        ("linux-x64-gnu", "win32-arm64-msvc", EVERYTHING, "xwin"),
        ("linux-x64-gnu", "linux-arm64-musl", EVERYTHING, "zig"),
        ("linux-arm64-musl", "linux-arm64-musl", EVERYTHING, "cc"),
        ("linux-x64-gnu", "wasm32", EVERYTHING, "wasm"),
    ],
)
def test_zig_links_what_the_host_cannot_and_for_an_old_glibc(
    host: PlatformName, platform: PlatformName, programs: frozenset[Program], linker: Linker
) -> None:
    assert Toolchain(host, ALL, programs).linker(platform) == linker


@pytest.mark.parametrize(("kind", "target"), [("napi", "wasm32-wasip1-threads"), ("wasm", "wasm32-unknown-unknown")])
def test_an_addon_for_wasm_has_threads_and_a_module_for_browsers_none(kind: Kind, target: str) -> None:
    assert BARE.target(kind, "wasm32") == target
    lack = unmet_need(kind, "wasm32", BARE)
    assert lack == f"Rust's standard library for {target} is not installed: run `rustup target add {target}`"


@pytest.mark.parametrize(
    ("platform", "packages", "toolchain", "words"),
    [
        ("darwin-arm64", {"core-foundation-sys", "libc"}, FULL, "core-foundation-sys links Apple's frameworks"),
        ("darwin-arm64", {"core-foundation-sys"}, Toolchain("linux-x64-gnu", ALL, EVERYTHING, apple_sdk=True), None),
        ("darwin-x64", {"core-foundation-sys"}, Toolchain("darwin-arm64", ALL, EVERYTHING), None),
        ("linux-x64-musl", {"core-foundation-sys"}, FULL, None),
        ("linux-arm64-gnu", {"openssl-sys"}, FULL, "openssl-sys needs OpenSSL for linux-arm64-gnu"),
        ("linux-arm64-gnu", {"openssl-sys", "openssl-src"}, FULL, None),
        ("linux-x64-gnu", {"openssl-sys"}, FULL, None),
        ("win32-x64-msvc", {"cc"}, Toolchain("linux-x64-gnu", ALL, frozenset({"cargo-xwin"})), "which needs clang"),
        ("wasm32", {"cc"}, BARE, "which needs clang"),
        ("darwin-arm64", {"cc"}, Toolchain("linux-x64-gnu", ALL, frozenset({"cargo-zigbuild"})), None),
        ("linux-x64-musl", {"cmake"}, BARE, "install cmake"),
    ],
)
def test_unmet_needs_of_dependencies_are_known_before_compiling(
    platform: PlatformName, packages: set[str], toolchain: Toolchain, words: str | None
) -> None:
    found = unmet_dependency(platform, packages, toolchain)
    assert found is None if words is None else words in str(found)


CHANNELS = (
    RustChannel("nightly", "1.97.0-nightly", "/opt/rustup/nightly/bin", frozenset()),
    RustChannel("1.88.0", "1.88.0", "/opt/rustup/1.88.0/bin", frozenset()),
    RustChannel("mine", "1.91.0-dev", "/opt/rustup/mine/bin", frozenset()),
    RustChannel("own-gnu", "1.90.0-dev", "/opt/rustup/own-gnu/bin", frozenset()),
)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("stable", "default"), ("1.95", "default"), ("1.95.0", "default"), ("nightly", "nightly"), ("mine", "mine"),
        ("1.88", "1.88.0"), ("1.88.0", "1.88.0"), ("1.9", None), ("1.88.1", None), ("beta", None),
        ("nightly-2026-01-31", None), ("1.91.0", None), ("", None), ("../mine", None),
        ("stable-x86_64-unknown-linux-gnu", "default"), ("1.95-x86_64-unknown-linux-gnu", "default"),
        ("nightly-x86_64-unknown-linux-gnu", "nightly"), ("1.88-x86_64", "1.88.0"), ("nightly-gnu", "nightly"),
        ("mine-x86_64-unknown-linux-gnu", "mine"), ("own-gnu", "own-gnu"), ("stable-x86_64-unknown-linux-musl", None),
        ("stable-aarch64-unknown-linux-gnu", None), ("-x86_64-unknown-linux-gnu", None),
        ("nightly-2026-01-31-x86_64-unknown-linux-gnu", None),
    ],
)  # fmt: skip
def test_a_channel_is_the_default_one_or_another_that_is_installed(name: str, found: str | None) -> None:
    chosen = Toolchain("linux-x64-gnu", ALL, rust_version="1.95.0", channels=CHANNELS).with_channel(name)
    assert (chosen and (chosen.channel.name if chosen.channel else "default")) == found


def test_an_image_of_unknown_version_has_the_stable_channel_alone() -> None:
    image = Toolchain("linux-x64-gnu", ALL)
    assert image.with_channel("stable") == image
    assert image.with_channel("1.95") is None
