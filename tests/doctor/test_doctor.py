"""The doctor's findings on a machine's platforms and isolation."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from generator.doctor.findings import lines
from generator.doctor.local import local_findings
from generator.doctor.needs import EVERYTHING, Needs, manifest_needs, needs_of
from generator.manifest.models import Manifest
from generator.sandboxes.local.control_groups import find_control_groups
from tests.toolchain.test_host import tools


def test_platforms_with_the_same_missing_linker_share_a_finding_and_so_do_rust_targets(tmp_path: Path) -> None:
    found = {each.check: each for each in local_findings({**tools(tmp_path), "HOME": str(tmp_path)})}
    assert found["linux-x64-gnu"].state == found["wasm32 (modules)"].state == "ok"
    zig, xwin, targets = found["cargo-zigbuild"], found["cargo-xwin"], found["Rust targets"]
    assert {each.state for each in (zig, xwin, targets)} == {"note"}
    assert zig.message == (
        "not installed; it links linux-x64-musl, linux-arm64-gnu, linux-arm64-musl, darwin-x64, darwin-arm64"
    )
    assert zig.fix == "pip install ziglang cargo-zigbuild"
    assert xwin.message == "not installed; it links win32-x64-msvc, win32-arm64-msvc"
    assert xwin.fix == (
        "pip install cargo-xwin && XWIN_ARCH=x86_64,aarch64 cargo-xwin cache xwin (accepts Microsoft's licence)"
    )
    assert targets.fix == (
        "rustup target add x86_64-unknown-linux-musl aarch64-unknown-linux-gnu aarch64-unknown-linux-musl x86_64-apple-darwin "
        "aarch64-apple-darwin x86_64-pc-windows-msvc aarch64-pc-windows-msvc wasm32-wasip1-threads"
    )


def test_only_what_the_crates_need_is_checked_and_what_is_required_is_missing(tmp_path: Path) -> None:
    environ = {**tools(tmp_path), "HOME": str(tmp_path)}
    needs = Needs({"linux-x64-gnu": frozenset({"bin"}), "darwin-x64": frozenset({"bin"})}, coverage=False)
    found = {each.check: each for each in local_findings(environ, needs)}
    assert found["cargo-zigbuild"].message == "not installed; it links darwin-x64"
    assert found["Rust targets"].fix == "rustup target add x86_64-apple-darwin"
    assert not {"cargo-xwin", "coverage", "wasm32 (modules)", "wasm32 (addons)"} & found.keys()
    required = {
        each.check: each for each in local_findings(environ, replace(needs, required=frozenset({"darwin-x64"})))
    }
    assert required["cargo-zigbuild"].state == required["Rust targets"].state == "missing"


def test_the_needs_of_a_manifest_are_those_of_its_crates() -> None:
    manifest = Manifest.model_validate_json(
        json.dumps(
            {
                "schema_version": 1,
                "fleet": {"npm_scope": "@a", "platforms": ["linux-x64-gnu", "wasm32"]},
                "crates": [
                    {"name": "a", "version": "1.0.0", "kind": "bin", "source": {"path": "a"}, "coverage": True},
                    {
                        "name": "b",
                        "version": "1.0.0",
                        "kind": "napi",
                        "source": {"path": "b"},
                        "platforms": ["darwin-x64", "wasm32"],
                        "required": ["darwin-x64"],
                    },
                ],
            }
        )
    )
    assert needs_of(manifest) == Needs(
        {"linux-x64-gnu": frozenset({"bin"}), "darwin-x64": frozenset({"napi"}), "wasm32": frozenset({"napi"})},
        frozenset({"darwin-x64"}),
        coverage=True,
    )


def test_the_manifest_is_a_finding_itself(tmp_path: Path) -> None:
    path = tmp_path / "crates.json"
    nothing, needs = manifest_needs(path)
    assert (nothing.state, nothing.fix, needs) == ("note", f"cratematrix init --manifest {path}", EVERYTHING)
    path.write_text("{")
    broken, needs = manifest_needs(path)
    assert (broken.state, broken.fix, needs) == ("missing", f"cratematrix check --manifest {path}", EVERYTHING)


def test_no_line_is_wider_than_a_terminal(tmp_path: Path) -> None:
    found = local_findings({**tools(tmp_path), "HOME": str(tmp_path)})
    shown = [line for each in found for line in lines(each)]
    words = {word for line in shown for word in line.split() if len(word) > 50}
    assert [line for line in shown if len(line) > 80 and words.isdisjoint(line.split())] == []
    first = [line for line in shown if not line.startswith(" ")]
    assert len(first) == len(found)


@pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is for Linux only")
def test_it_says_which_parts_of_isolation_this_machine_has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environ = {**tools(tmp_path), "HOME": str(tmp_path)}
    found = {each.check: each for each in local_findings(environ)}
    assert (found["system calls"].state, found["system calls"].message) == ("ok", "filtered by libseccomp")
    assert found["keyring"].state == "ok"
    assert (found["limits"].state, "sampling" in found["limits"].message) == (
        ("ok", False) if find_control_groups() else ("note", True)
    )
    monkeypatch.setattr("generator.doctor.local.system_call_filter", lambda: None)
    found = {each.check: each for each in local_findings(environ)}
    assert (found["system calls"].state, found["system calls"].fix) == ("note", "apt-get install libseccomp2")
