from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from generator.errors import InputError, Unavailable
from generator.processes import run
from generator.toolchain.host import HostToolchain, find_host_toolchain


def program(path: Path, says: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{says}\n")
    path.chmod(0o755)


def tools(top: Path, rust: str = "1.90.0", node: str = "v22.1.0") -> dict[str, str]:
    """Return the environment of a machine with these versions: programs with the output of the real ones."""
    program(top / "rust/bin/rustc", f'[ "$1" = --print ] && echo {top}/rust || echo "rustc {rust} (abc 2026-01-01)"')
    program(top / "rust/bin/cargo", f'echo "cargo {rust} (abc 2026-01-01)"')
    for target in ("x86_64-unknown-linux-gnu", "wasm32-unknown-unknown"):
        (top / "rust/lib/rustlib" / target / "lib").mkdir(parents=True)
    (top / "rust/lib/rustlib/etc").mkdir()
    program(top / "node/bin/node", f"echo {node} {top}/node/bin/node")
    program(top / "node/lib/node_modules/npm/bin/npm-cli.js", "echo 11.0.0")
    (top / "node/bin/npm").symlink_to("../lib/node_modules/npm/bin/npm-cli.js")
    program(top / "bin/cc", "")
    return {"PATH": f"{top}/rust/bin:{top}/node/bin:{top}/bin:/usr/bin:/bin"}


def test_this_machines_own_tools_are_found_where_they_really_lie(toolchain: HostToolchain) -> None:
    assert (toolchain.rust / "bin" / "rustc").resolve().name != "rustup"
    assert (toolchain.node / "bin" / "node").is_file()
    assert toolchain.npm.name == "npm-cli.js"
    assert toolchain.targets
    assert toolchain.rustc_version in toolchain.fingerprint


@pytest.mark.skipif(shutil.which("rustup") is None, reason="needs rustup's proxies")
def test_another_home_does_not_lose_rust(toolchain: HostToolchain, tmp_path: Path) -> None:
    unset = {name: value for name, value in os.environ.items() if name not in ("RUSTUP_HOME", "CARGO_HOME")}
    assert find_host_toolchain({**unset, "HOME": str(tmp_path)}) == toolchain
    assert find_host_toolchain({**unset, "HOME": str(tmp_path), "RUSTUP_HOME": str(tmp_path / "wrong")}) == toolchain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"name": "npm", "version": "11.9.0"}', "11.9.0"),
        ('{"name": "other", "version": "1.0.0"}', "11.0.0"),
        ("[", "11.0.0"),
    ],
)
def test_npm_is_asked_for_its_version_where_its_package_json_does_not_say_it(
    tmp_path: Path, text: str, expected: str
) -> None:
    environ = tools(tmp_path)
    (tmp_path / "node/lib/node_modules/npm/package.json").write_text(text)
    assert find_host_toolchain(environ).npm_version == expected


def test_tools_outside_of_usr_are_mounted_without_their_whole_prefix(tmp_path: Path) -> None:
    found = find_host_toolchain(tools(tmp_path))
    assert found.fingerprint == "rustc 1.90.0, cargo 1.90.0, node 22.1.0, npm 11.0.0"
    assert found.targets == ("wasm32-unknown-unknown", "x86_64-unknown-linux-gnu")
    assert found.binds == (
        (f"{tmp_path}/rust/bin", "/opt/rust/bin", False),
        (f"{tmp_path}/rust/lib", "/opt/rust/lib", False),
        (f"{tmp_path}/node/bin/node", "/opt/node/bin/node", False),
        (f"{tmp_path}/node/lib/node_modules/npm", "/opt/node/lib/node_modules/npm", False),
    )
    assert ("/opt/node/bin/npm", "../lib/node_modules/npm/bin/npm-cli.js") in found.links
    assert found.path.split(":")[:3] == ["/opt/node/bin", "/opt/rust/bin", "/usr/local/bin"]


@pytest.mark.parametrize(
    ("versions", "sentence"),
    [
        ({"rust": "1.84.1"}, "Rust 1.84.1 is too old: 1.85 is needed"),
        ({"node": "v18.20.4"}, "Node.js 18.20.4 is too old: 20 is needed"),
    ],
)
def test_an_old_tool_is_named_with_its_fix(tmp_path: Path, versions: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        find_host_toolchain(tools(tmp_path, **versions))
    assert caught.value.message == sentence
    assert caught.value.fix is not None
    assert ("rustup" in caught.value.fix) == ("rust" in versions)


def test_everything_that_is_missing_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        find_host_toolchain({"PATH": str(tmp_path)})
    assert caught.value.problems == (
        "Rust is not installed: `rustc` is not on PATH",
        "Node.js is not installed: `node` is not on PATH",
        "a C linker is not installed: `cc` is not on PATH",
    )
    for word in ("rustup", "nodejs.org", "apt-get install build-essential"):
        assert word in str(caught.value.fix)


def test_a_rust_that_gives_no_answer_is_an_input_error(tmp_path: Path) -> None:
    environ = tools(tmp_path)
    program(tmp_path / "rust/bin/rustc", "echo no default toolchain configured >&2; exit 1")
    with pytest.raises(InputError, match=r"does not print the directory of Rust: .*no default toolchain configured"):
        find_host_toolchain(environ)


def test_recipes_get_the_toolchain_of_the_host(tmp_path: Path) -> None:
    toolchain = find_host_toolchain(tools(tmp_path)).toolchain("linux-x64-gnu")
    assert toolchain.host == "linux-x64-gnu"
    assert toolchain.targets == {"wasm32-unknown-unknown", "x86_64-unknown-linux-gnu"}
    assert not toolchain.programs & {"cargo-zigbuild", "cargo-xwin"}


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("NODE_OPTIONS", "--require=/lost.js", "Error: Cannot find module '/lost.js'"),
        ("NODE_OPTIONS", "--no-such-option", "--no-such-option is not allowed in NODE_OPTIONS"),
    ],
)
def test_a_variable_that_keeps_a_tool_from_running_is_named(variable: str, value: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        find_host_toolchain({**os.environ, variable: value})
    assert words in caught.value.message
    assert f"the variable {variable} is the cause" in caught.value.message
    assert caught.value.fix == f"unset {variable}"


@pytest.mark.skipif(shutil.which("rustup") is None, reason="needs rustup's proxies")
def test_a_channel_of_a_variable_that_is_not_installed_is_named() -> None:
    with pytest.raises(InputError) as caught:
        find_host_toolchain({**os.environ, "RUSTUP_TOOLCHAIN": "1.0.7"})
    assert "'1.0.7-" in caught.value.message
    assert "is not installed; the variable RUSTUP_TOOLCHAIN is the cause" in caught.value.message
    assert caught.value.fix == "unset RUSTUP_TOOLCHAIN"


def test_other_channels_of_rustup_are_found_for_crates_that_ask_for_one(tmp_path: Path) -> None:
    environ = tools(tmp_path)
    rustup = tmp_path / "rustup/toolchains"
    rustup.mkdir(parents=True)
    (tmp_path / "rust").rename(rustup / "stable-x86_64-unknown-linux-gnu")
    (tmp_path / "rust").symlink_to(rustup / "stable-x86_64-unknown-linux-gnu")
    for name, version in (("nightly-2026-01-31-x86_64-unknown-linux-gnu", "1.95.0-nightly"), ("mine", "1.91.0-dev")):
        program(rustup / name / "bin/rustc", f'echo "rustc {version} (abc 2026-01-01)"')
        program(rustup / name / "bin/cargo", "")
        (rustup / name / "lib/rustlib/x86_64-unknown-linux-musl/lib").mkdir(parents=True)
    program(rustup / "broken/bin/rustc", "exit 1")
    program(rustup / "broken/bin/cargo", "")
    found = find_host_toolchain(environ)
    assert [(each.name, each.version) for each in found.channels] == [
        ("mine", "1.91.0-dev"), ("nightly-2026-01-31", "1.95.0-nightly"),
    ]  # fmt: skip
    assert (f"{rustup}/mine/bin", "/opt/rustup/mine/bin", False) in found.binds
    chosen = found.toolchain("linux-x64-gnu").with_channel("nightly-2026-01-31")
    assert chosen is not None
    assert chosen.channel is not None
    assert chosen.channel.programs == "/opt/rustup/nightly-2026-01-31/bin"
    assert chosen.targets == {"x86_64-unknown-linux-musl"}


@pytest.mark.parametrize("hangs", ["rust/bin/rustc", "node/bin/node", "node/bin/npm"])
def test_a_tool_that_gives_no_answer_in_time_is_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hangs: str
) -> None:
    """A busy machine needs no other tool. The tool that hangs gets little time, so that the test ends."""
    environment = tools(tmp_path)
    program(tmp_path / hangs, "while :; do sleep 1; done")
    monkeypatch.setattr(
        "generator.toolchain.mounts.run",
        lambda argv, **more: run(argv, **{**more, "timeout": 1 if hangs in argv[0] else 600}),
    )
    with pytest.raises(Unavailable, match="gave no answer") as caught:
        find_host_toolchain(environment)
    assert caught.value.fix is None
