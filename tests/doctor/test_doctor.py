"""The doctor's findings on a machine's platforms and isolation."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from generator.doctor.local import local_findings
from generator.sandboxes.local.control_groups import find_control_groups
from tests.toolchain.test_host import tools


def test_platforms_with_the_same_missing_linker_share_a_finding_with_one_command_for_all(tmp_path: Path) -> None:
    found = {each.check: each for each in local_findings({**tools(tmp_path), "HOME": str(tmp_path)})}
    assert found["linux-x64-gnu"].state == found["wasm32 (modules)"].state == "ok"
    assert {what: each.message for what, each in found.items() if each.state == "note" and "-" in what} == {
        "linux-x64-musl, linux-arm64-gnu, linux-arm64-musl, darwin-x64, darwin-arm64": (
            "linked by zig and cargo-zigbuild, which are not installed: run `pip install ziglang cargo-zigbuild`; "
            "Rust's standard library for x86_64-unknown-linux-musl, aarch64-unknown-linux-gnu, "
            "aarch64-unknown-linux-musl, x86_64-apple-darwin, aarch64-apple-darwin is not installed: run "
            "`rustup target add x86_64-unknown-linux-musl aarch64-unknown-linux-gnu aarch64-unknown-linux-musl "
            "x86_64-apple-darwin aarch64-apple-darwin`"
        ),
        "win32-x64-msvc, win32-arm64-msvc": (
            "linked by cargo-xwin with Microsoft's libraries, which are not installed: run `pip install cargo-xwin`, "
            "then `XWIN_ARCH=x86_64,aarch64 cargo-xwin cache xwin`, which accepts Microsoft's licence; "
            "Rust's standard library for x86_64-pc-windows-msvc, aarch64-pc-windows-msvc is not installed: "
            "run `rustup target add x86_64-pc-windows-msvc aarch64-pc-windows-msvc`"
        ),
    }
    assert found["wasm32 (addons)"].message == (
        "Rust's standard library for wasm32-wasip1-threads is not installed: "
        "run `rustup target add wasm32-wasip1-threads`"
    )


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
    assert (found["system calls"].state, "libseccomp2" in found["system calls"].message) == ("note", True)
