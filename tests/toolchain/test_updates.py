"""Newer versions of the image's tools: the comparison, and the questions to the registries' clients."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from generator.errors import CratematrixError, Unavailable
from generator.toolchain.updates import Tool, Update, compared, tools, updates
from generator.versions import versions


def tool(version: str, *released: str) -> Tool:
    return Tool("tool", version, lambda: released)


@pytest.mark.parametrize(
    ("version", "released", "line", "newest", "state"),
    [
        ("24.1.0", ("24.1.0", "24.0.0"), "24.1.0", "24.1.0", "current"),
        ("24.1.0", ("24.10.0", "24.9.0", "26.0.0-rc.1"), "24.10.0", "24.10.0", "outdated"),
        ("24.1.0", ("24.1.0", "26.0.0"), "24.1.0", "26.0.0", "newer line"),
        ("24.1.0", ("24.0.9", "odd", "26.0.0"), "24.1.0", "26.0.0", "newer line"),
        ("0.17.1", ("0.17.2", "0.18.0"), "0.17.2", "0.18.0", "outdated"),
        ("0.17.1", ("0.17.1", "0.18.0"), "0.17.1", "0.18.0", "newer line"),
        ("24.1.0", ("24.2.0-rc.1",), "", "", "unknown"),
    ],
)
def test_versions_are_compared_by_line(
    version: str, released: tuple[str, ...], line: str, newest: str, state: str
) -> None:
    found = compared(tool(version, *released), released)
    assert (found.newest_of_line, found.newest, found.state) == (line, newest, state)


def test_one_registry_that_does_not_answer_leaves_the_others() -> None:
    def fails() -> tuple[str, ...]:
        raise CratematrixError("npm failed: ENOTFOUND")

    broken, good = Tool("a", "1.0.0", fails), tool("1.0.0", "1.0.0")
    assert updates((broken, good)) == (Update(broken, problem="npm failed: ENOTFOUND"), Update(good, "1.0.0", "1.0.0"))
    with pytest.raises(Unavailable, match=r"^no registry answers: npm failed: ENOTFOUND$"):
        updates((broken,))


def program(directory: Path, name: str, output: str) -> None:
    file = directory / name
    file.write_text(f"#!/bin/sh\ncat <<'END'\n{output}\nEND\n")
    file.chmod(0o755)


RUST = """[pkg.rust]
version = "1.101.0 (0123456789 2027-01-01)"
[pkg.rust-std.target.one]
available = true
[pkg.rust-std.target.two]
available = false"""


def test_each_tool_is_asked_about_where_it_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {each.name: each.ask for each in tools(versions(), ["one"])}
    names = {"rust", "rustup", "node", "npm", "yarn", "yarn-classic", "pnpm", "ziglang", "cargo-zigbuild", "cargo-xwin"}
    assert asked.keys() == names
    program(tmp_path, "npm", json.dumps(["1.0.0", "24.99.0"]))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert asked["node"]() == ["1.0.0", "24.99.0"]
    program(tmp_path, "curl", RUST)
    assert asked["rust"]() == ["1.101.0"]
    program(tmp_path, "curl", "version = '1.30.0'")
    assert asked["rustup"]() == ["1.30.0"]
    for answer in ("<html>", "x = 1", "pkg = 1\nversion = 1"):
        program(tmp_path, "curl", answer)
        for name in ("rust", "rustup"):
            with pytest.raises(CratematrixError, match="Rust's site names no version"):
                asked[name]()


def test_a_rust_without_a_target_is_none_to_update_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "curl", RUST)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    [rust, *_] = tools(versions(), ["one", "two", "three"])
    with pytest.raises(CratematrixError, match=r"1\.101\.0 has no standard library for three, two"):
        rust.ask()
