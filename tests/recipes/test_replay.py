"""Cargo builds of a build command are recorded once and replayed for other platforms, by real shells."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from generator.platforms import PLATFORMS, PlatformName
from generator.processes import run
from generator.recipes.cargo_target import ProjectFlags, cargo_target
from generator.recipes.replay import record, replay
from generator.toolchain.toolchain import Toolchain
from tests.support import HANGS

FULL = Toolchain("linux-x64-gnu", frozenset(each.target for each in PLATFORMS.values()), frozenset({"cargo-zigbuild"}))
BARE = Toolchain("linux-x64-gnu", FULL.targets)


def cargo(directory: Path) -> None:
    """Write a cargo that prints its directory and arguments."""
    program = directory / "cargo"
    program.parent.mkdir(exist_ok=True)
    program.write_text('#!/bin/sh\necho "$(basename "$PWD"): cargo $*"\n[ -z "$CARGO" ] || echo "CARGO is set"\n')
    program.chmod(0o755)


def asked(
    tmp_path: Path,
    script: str,
    toolchain: Toolchain,
    again: PlatformName,
    aliases: Mapping[str, str] | None = None,
    *,
    napi: bool,
) -> list[str]:
    """Run a build command for the host and replay it for another platform; return the lines that cargo printed."""
    cargo(tmp_path / "bin")
    root = tmp_path / "it's root"
    (root / "source").mkdir(parents=True)
    host = cargo_target("napi", "linux-x64-gnu", "2.17", toolchain, ProjectFlags())
    scripts = (
        record(script, str(root), host, aliases or {}, napi=napi),
        replay(str(root), cargo_target("napi", again, "2.17", FULL, ProjectFlags()), again),
    )
    said, environment = "", {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
    for each in scripts:
        done = run(["bash", "-c", f"set -euo pipefail\n{each}"], timeout=HANGS, cwd=root / "source", env=environment)
        assert done.exit_code == 0, done.stderr
        said += done.stdout.decode()
    return said.splitlines()


@pytest.mark.parametrize(
    ("command", "repeated_words"),
    [
        ('"$CARGO" build --target "$CARGO_BUILD_TARGET" --features "a b" --release', "--features a b --release"),
        ('"$CARGO" zigbuild --target="$CARGO_BUILD_TARGET" -p x', "-p x"),
        ('cargo xwin build --target "$CARGO_BUILD_TARGET"', ""),
    ],
)
def test_napis_words_are_repeated_for_another_target(tmp_path: Path, command: str, repeated_words: str) -> None:
    said = asked(tmp_path, command, FULL, "darwin-arm64", napi=True)
    first, again = (" ".join(line.split()) for line in said)
    assert first == f"source: cargo zigbuild {repeated_words} --target x86_64-unknown-linux-gnu.2.17".replace("  ", " ")
    assert again == f"source: cargo zigbuild {repeated_words} --target aarch64-apple-darwin".replace("  ", " ")


def test_a_build_that_names_no_target_stays_one_for_the_host(tmp_path: Path) -> None:
    script = "cargo metadata --offline\nmkdir inner && cd inner && cargo build --release"
    assert asked(tmp_path, script, BARE, "linux-arm64-gnu", napi=False) == [
        "source: cargo metadata --offline",
        "inner: cargo build --release",
        "inner: cargo zigbuild --release --target aarch64-unknown-linux-gnu.2.17",
    ]


def test_a_build_tool_that_clears_the_environment_is_recorded_too(tmp_path: Path) -> None:
    script = 'env -i PATH="$PATH" HOME=/ cargo build --release'
    assert asked(tmp_path, script, BARE, "linux-arm64-gnu", napi=False) == [
        "source: cargo build --release",
        "source: cargo zigbuild --release --target aarch64-unknown-linux-gnu.2.17",
    ]


def test_a_script_that_never_calls_cargo_cannot_be_repeated(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="does not call cargo build, so it cannot be repeated for darwin-x64"):
        asked(tmp_path, "true", BARE, "darwin-x64", napi=False)


def test_variables_of_the_build_command_hold_for_other_platforms_too(tmp_path: Path) -> None:
    """The options of a platform are added to flags that would hide them. Variables of npm, yarn and pnpm are not the build's own."""
    says = 'echo "$WORDS|$RUSTFLAGS|$npm_lifecycle_event$PROJECT_CWD$YARN_IGNORE_PATH$pnpm_config_x"'
    script = f"""echo '{says}' >> {tmp_path}/bin/cargo
export npm_lifecycle_event=build PROJECT_CWD=- YARN_IGNORE_PATH=1 pnpm_config_x=2 WORDS=$'two\\nlines'; RUSTFLAGS='--cfg fancy' cargo build"""
    assert asked(tmp_path, script, BARE, "linux-x64-musl", napi=False) == [
        "source: cargo build",
        "two",
        "lines|--cfg fancy|build-12",
        "source: cargo zigbuild --target x86_64-unknown-linux-musl",
        "two",
        "lines|--cfg fancy -C target-feature=-crt-static -C link-self-contained=no|",
    ]


@pytest.mark.parametrize("command", ["cargo b --release", "cargo rel", "cargo ship --release"])
def test_another_name_of_cargo_build_is_recorded_too(tmp_path: Path, command: str) -> None:
    aliases = {"rel": "build --release", "ship": "build"}
    assert asked(tmp_path, command, BARE, "linux-arm64-gnu", aliases, napi=False) == [
        "source: cargo build --release",
        "source: cargo zigbuild --release --target aarch64-unknown-linux-gnu.2.17",
    ]
