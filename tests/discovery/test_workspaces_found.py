"""Workspaces: members, inheritance and dependencies, with cargo itself as the judge where it is installed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.discovery import discover
from generator.discovery.survey import survey
from generator.processes import run

Plant = Callable[[Mapping[str, str]], Path]
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
    done = run([*argv, "--manifest-path", str(root / directory / "Cargo.toml")], timeout=60)
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
    "workspace named by the package": {
        ".": "[workspace]\n",
        "ws": '[workspace]\nmembers = ["../a"]\n',
        "a": crate("a", 'workspace = "../ws"\n'),
    },
    "members and path dependencies outside of the root's directory": {
        ".": crate("top"),
        "ws": crate("ws", '[workspace]\nmembers = ["../*"]\n[dependencies]\nb = { path = "../b/in" }\n'),
        "a": crate("a", 'workspace = "../ws"\n'),
        "b": crate("b", 'workspace = "../ws"\n[dependencies]\nc = { path = "c" }\n'),
        "b/in": crate("in", 'workspace = "../../ws"\n'),
        "b/c": crate("c"),
    },
}


@needs_cargo
@pytest.mark.parametrize("manifests", LAYOUTS.values(), ids=LAYOUTS)
def test_members_are_those_that_cargo_sees(plant: Plant, manifests: dict[str, str]) -> None:
    root = plant(with_libraries(manifests))
    seen = survey(root)
    for workspace, members in seen.members.items():
        assert members == cargo_members(root, workspace)


@needs_cargo
@pytest.mark.parametrize("manifests", LAYOUTS.values(), ids=LAYOUTS)
def test_a_crate_is_found_exactly_when_cargo_would_build_it(plant: Plant, manifests: dict[str, str]) -> None:
    root = plant(with_libraries(manifests))
    packages = {directory for directory, text in manifests.items() if "[package]" in text}
    buildable = {each for each in packages if cargo_members(root, each) is not None}
    assert {each.path for each in discover(root).found} == buildable


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


@needs_cargo
@settings(max_examples=20, deadline=None)
@given(manifests=layouts())
def test_members_are_those_that_cargo_sees_in_any_layout(manifests: dict[str, str]) -> None:
    with TemporaryDirectory() as directory:
        root = Path(directory)
        for path, text in with_libraries(manifests).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        expected = cargo_members(root)
        if expected is not None:
            assert survey(root).members["."] == expected


def test_a_crate_that_cargo_refuses_says_how_to_make_it_a_member(plant: Plant) -> None:
    root = plant(with_libraries({"ws": '[workspace]\nmembers = ["a"]\n', "ws/a": crate("a"), "ws/b": crate("b")}))
    discovery = discover(root)
    assert [each.path for each in discovery.found] == ["ws/a"]
    assert [each.path for each in discovery.left_out] == ["ws/b/Cargo.toml"]
    assert discovery.left_out[0].why == (
        "it lies below the workspace ws/Cargo.toml without being a member, and cargo refuses to build that: "
        "name it in members or in exclude"
    )


def test_stand_alone_crates_are_found_beside_workspaces(plant: Plant) -> None:
    manifests = {
        "rust": '[workspace]\nmembers = ["*"]\nexclude = ["apart"]\n',
        "rust/a": crate("a"),
        "rust/apart": crate("apart"),
        "alone": crate("alone"),
        "other": crate("other", '[workspace]\nmembers = ["b"]\n'),
        "other/b": crate("b"),
    }
    assert [each.path for each in discover(plant(with_libraries(manifests))).found] == [
        "rust/a",
        "alone",
        "rust/apart",
        "other/b",
        "other",
    ]


def test_versions_come_from_the_workspace_that_a_crate_belongs_to(plant: Plant) -> None:
    inherits = '[package]\nname = "{}"\nversion.workspace = true\n'
    manifests = {
        ".": '[workspace]\nmembers = ["a"]\nexclude = ["sub"]\n[workspace.package]\nversion = "2.0.0-rc.1"\n',
        "a": inherits.format("a"),
        "sub": '[workspace]\nmembers = ["b"]\n[workspace.package]\nversion = "3.0.0"\n',
        "sub/b": inherits.format("b"),
    }
    found = discover(plant(with_libraries(manifests))).found
    assert [(each.name, each.version) for each in found] == [("a", "2.0.0-rc.1"), ("b", "3.0.0")]


def test_kinds_see_inherited_dependencies(plant: Plant) -> None:
    shared = '[workspace.dependencies]\nbindgen = { package = "wasm-bindgen", version = "0.2" }\n'
    library = '[lib]\ncrate-type = ["cdylib"]\n[dependencies]\nbindgen.workspace = true\n'
    root = plant(with_libraries({".": f'[workspace]\nmembers = ["a"]\n{shared}', "a": crate("a", library)}))
    assert [each.kind for each in discover(root).found] == ["wasm"]


def test_depends_on_names_found_crates_also_by_way_of_those_left_out(plant: Plant) -> None:
    manifests = {
        ".": '[workspace]\nmembers = ["*"]\n[workspace.dependencies]\nbase = { path = "base" }\n',
        "app": crate(
            "app",
            '[dependencies]\nmacros = { path = "../macros" }\nserde = "1"\n'
            '[dev-dependencies]\nhelper = { path = "../helper" }\n',
        ),
        "macros": crate("macros", "[lib]\nproc-macro = true\n[dependencies]\nbase.workspace = true\n"),
        "base": crate("base", '[build-dependencies]\nprepare = { path = "../prepare" }\n'),
        "prepare": crate("prepare", '[dependencies]\noutside = { path = "../../outside" }\n'),
        "helper": crate("helper", '[dependencies]\napp = { path = "../app" }\n'),
    }
    found = discover(plant(with_libraries(manifests))).found
    assert {each.name: each.depends_on for each in found} == {
        "app": ("base",),
        "base": ("prepare",),
        "helper": ("app",),
        "prepare": (),
    }


def test_a_circle_is_left_out_and_the_rest_stays(plant: Plant) -> None:
    manifests = {
        "a": crate("a", '[dependencies]\nb = { path = "../b" }\n'),
        "b": crate("b", '[dependencies]\na = { path = "../a" }\n'),
        "c": crate("c", '[dependencies]\na = { path = "../a" }\nd = { path = "../d" }\n'),
        "d": crate("d"),
    }
    discovery = discover(plant(with_libraries(manifests)))
    assert [(each.name, each.depends_on) for each in discovery.found] == [("c", ("d",)), ("d", ())]
    assert [each.path for each in discovery.left_out] == ["a/Cargo.toml", "b/Cargo.toml"]
    assert all(each.why.startswith("it depends on itself: ") for each in discovery.left_out)
