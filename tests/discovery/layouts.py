"""Layouts of workspaces, by hand and at random, and the members that cargo reports."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import strategies as st

from generator.processes import run
from tests.support import HANGS

needs_cargo = pytest.mark.skipif(shutil.which("cargo") is None, reason="cargo is not installed")


def crate(name: str, more: str = "") -> str:
    return f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n{more}'


def with_libraries(manifests: Mapping[str, str]) -> dict[str, str]:
    """Cargo.toml texts by directory, each with an empty library where it is a package.

    The library lies beside Cargo.toml, because cargo refuses a pattern that matches a directory without one.
    """
    files = {}
    for directory, text in manifests.items():
        package = "[package]" in text
        files[f"{directory}/Cargo.toml"] = text + (
            '[lib]\npath = "lib.rs"\n' if package and "[lib]" not in text else ""
        )
        files |= {f"{directory}/lib.rs": ""} if package else {}
    return files


def cargo_members(root: Path, directory: str = ".") -> frozenset[str] | None:
    """Directories of the packages that cargo sees in a workspace, or None where it refuses the layout."""
    argv = ["cargo", "metadata", "--no-deps", "--format-version", "1", "--offline"]
    done = run([*argv, "--manifest-path", str(root / directory / "Cargo.toml")], timeout=HANGS)
    if done.exit_code != 0:
        return None
    packages = json.loads(done.stdout)["packages"]
    return frozenset(Path(each["manifest_path"]).parent.relative_to(root.resolve()).as_posix() for each in packages)


LAYOUTS = {
    "globs": {
        ".": '[workspace]\nmembers = ["crates/*", "**/part-*", "one-[ab]", "x?"]\n',
        "crates/a": crate("a"),
        "crates/b": crate("b"),
        "crates/b/deep": crate("deep", "[workspace]\n"),
        "tools/part-t": crate("t"),
        "part-u": crate("u"),
        "tools/more/part-v": crate("v"),
        "tools": crate("tools"),
        "one-a": crate("one-a"),
        "one-c": crate("one-c"),
        "xy": crate("xy"),
        "xyz": crate("xyz"),
    },
    "exclude": {
        ".": '[workspace]\nmembers = ["crates/*"]\nexclude = ["crates/b", "other"]\n',
        "crates/a": crate("a"),
        "crates/b": crate("b"),
        "other/c": crate("c"),
    },
    "a member named explicitly beats exclude": {
        ".": '[workspace]\nmembers = ["./vendor/a"]\nexclude = ["vendor"]\n',
        "vendor/a": crate("a"),
        "vendor/b": crate("b"),
    },
    "root package": {
        ".": crate("top", '[workspace]\nmembers = ["a"]\n'),
        "a": crate("a"),
    },
    "root package on which its members depend": {
        ".": crate("top", '[workspace]\nmembers = ["a", "b"]\n[dependencies]\nb = { path = "b" }\n'),
        "a": crate("a", '[dependencies]\ntop = { path = ".." }\n'),
        "b": crate("b"),
    },
    "two workspaces, one of which needs the other": {
        "one": '[workspace]\nmembers = ["a"]\n[workspace.dependencies]\nb = { path = "../two/b" }\n',
        "one/a": crate("a", "[dependencies]\nb.workspace = true\n"),
        "two": '[workspace]\nmembers = ["*"]\n[workspace.dependencies]\nc = { path = "c" }\n',
        "two/b": crate("b", "[dependencies]\nc.workspace = true\n"),
        "two/c": crate("c"),
        "two/d": crate("d"),
    },
    "root package without members": {".": crate("top", "[workspace]\n")},
    "path dependencies are members": {
        ".": crate("top", '[workspace]\n[dependencies]\na = { path = "a" }\n'),
        "a": crate("a", '[dev-dependencies]\nb = { path = "../b" }\n'),
        "b": crate("b", "[target.'cfg(unix)'.build-dependencies]\nc = { path = \"c\" }\n"),
        "b/c": crate("c"),
    },
    "inherited path dependencies are members": {
        ".": '[workspace]\nmembers = ["a"]\n[workspace.dependencies]\nb = { path = "lib/b" }\n',
        "a": crate("a", "[dependencies]\nb.workspace = true\n"),
        "lib/b": crate("b"),
    },
    "excluded path dependencies are not": {
        ".": '[workspace]\nmembers = ["a"]\nexclude = ["b"]\n',
        "a": crate("a", '[dependencies]\nb = { path = "../b" }\n'),
        "b": crate("b", '[dependencies]\nc = { path = "../b/c" }\n'),
        "b/c": crate("c"),
    },
    "excluded below a member that a pattern names": {
        ".": '[workspace]\nmembers = ["crates/*"]\nexclude = ["crates/a/fuzzed", "crates/a/help"]\n',
        "crates/a": crate("a", '[dev-dependencies]\nhelp = { path = "help" }\n'),
        "crates/a/help": crate("help"),
        "crates/a/fuzzed": crate("fuzzed", '[dependencies]\na = { path = ".." }\n'),
    },
    "patches are not members": {
        ".": '[workspace]\nmembers = ["a"]\n[patch.crates-io]\np = { path = "patched/p" }\n',
        "a": crate("a"),
        "patched/p": crate("p"),
    },
    "workspace named by the package": {
        ".": "[workspace]\n",
        "ws": '[workspace]\nmembers = ["../a"]\n',
        "a": crate("a", 'workspace = "../ws"\n'),
    },
    "members and path dependencies outside of the root's directory": {
        ".": crate("top"),
        "ws": crate("ws", '[workspace]\nmembers = ["../*"]\n[dependencies]\nin = { path = "../b/in" }\n'),
        "a": crate("a", 'workspace = "../ws"\n'),
        "b": crate("b", 'workspace = "../ws"\n[dependencies]\nc = { path = "c" }\n'),
        "b/in": crate("in", 'workspace = "../../ws"\n'),
        "b/c": crate("c"),
    },
}


DIRECTORIES = ["a", "b", "a/c", "a/c/d", "b/e"]
PATTERNS = ["a", "b", "a/c", "a/*", "*", "b/*", "a/c/d", "*/c", "**/e", "a/**"]


@st.composite
def layouts(draw: st.DrawFn) -> dict[str, str]:
    """A workspace with members, excludes, nested roots and path dependencies that lead anywhere."""

    def table() -> str:
        members = draw(st.lists(st.sampled_from(PATTERNS), max_size=3, unique=True))
        exclude = draw(st.lists(st.sampled_from(PATTERNS), max_size=2, unique=True))
        return f"[workspace]\nmembers = {json.dumps(members)}\nexclude = {json.dumps(exclude)}\n"

    manifests = {".": (crate("top") if draw(st.booleans()) else "") + table()}
    for directory in sorted({draw(st.sampled_from(DIRECTORIES)), *draw(st.sets(st.sampled_from(DIRECTORIES)))}):
        up = "../" * (directory.count("/") + 1)
        targets = [each for each in DIRECTORIES if each > directory]
        wanted = draw(st.sets(st.sampled_from(targets), max_size=2)) if targets else set()
        dependencies = "".join(f'{each.replace("/", "-")} = {{ path = "{up}{each}" }}\n' for each in sorted(wanted))
        nested = "[workspace]\n" if draw(st.integers(0, 5)) == 0 else ""
        manifests[directory] = crate(directory.replace("/", "-"), f"{nested}[dependencies]\n{dependencies}")
    return manifests
