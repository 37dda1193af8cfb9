"""Missing Rust targets of crates, on a machine with linkers and without foreign libraries."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from generator.manifest.models import Manifest
from generator.toolchain.rust_targets import missing_targets
from generator.toolchain.toolchain import Program, Toolchain
from tests.conftest import MakeRepository
from tests.support import cratematrix, entry, library

MACHINE = Toolchain("linux-x64-gnu", frozenset({"x86_64-unknown-linux-gnu"}), frozenset({"cargo-zigbuild"}))


def manifest(*crates: dict[str, Any]) -> Manifest:
    fleet = {"npm_scope": "@demo", "platforms": ["linux-x64-gnu", "darwin-arm64", "wasm32"]}
    return Manifest.model_validate_json(json.dumps({"schema_version": 1, "fleet": fleet, "crates": crates}))


def test_each_crate_wants_its_own_and_each_target_is_named_once() -> None:
    crates = [entry("page", kind="wasm"), entry("cli", kind="bin"), entry("addon", kind="napi")]
    fleet = manifest(*crates, entry("here", kind="bin", platforms=["linux-x64-gnu"]))
    assert missing_targets(fleet, ["page"], MACHINE) == ["wasm32-unknown-unknown"]
    assert missing_targets(fleet, ["cli"], MACHINE) == ["aarch64-apple-darwin"]
    assert missing_targets(fleet, ["here"], MACHINE) == []
    assert missing_targets(fleet, ["page", "cli", "addon", "here"], MACHINE) == [
        "aarch64-apple-darwin",
        "wasm32-unknown-unknown",
        "wasm32-wasip1-threads",
    ]


def test_a_target_that_nothing_here_links_for_is_not_worth_getting() -> None:
    fleet = manifest(entry("addon", kind="napi", platforms=["darwin-arm64", "win32-x64-msvc", "wasm32"]))
    bare, xwin = (replace(MACHINE, programs=frozenset[Program](each)) for each in ((), ("cargo-xwin",)))
    assert missing_targets(fleet, ["addon"], bare) == ["wasm32-wasip1-threads"]
    assert missing_targets(fleet, ["addon"], xwin) == ["wasm32-wasip1-threads", "x86_64-pc-windows-msvc"]


def test_the_command_prints_those_of_a_shard(repository: MakeRepository) -> None:
    top = repository([entry("a", kind="bin", platforms=["linux-x64-gnu"]), entry("b")], library("a") | library("b"))
    ran = cratematrix("targets", "--shard", "1/1", cwd=top, env={"CRATEMATRIX_TARGETS_CRATE": "a b"})
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    ran = cratematrix("targets", "--crate", "c", cwd=top)
    assert ran.code == 2
    assert "the manifest has no crate c" in ran.err
