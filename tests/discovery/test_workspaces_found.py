"""Workspaces: members, inheritance and dependencies, compared with cargo when it is installed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings

from generator.discovery import discover
from generator.discovery.scan import scan_repository
from tests.discovery.layouts import LAYOUTS, cargo_members, crate, layouts, needs_cargo, with_libraries
from tests.support import write_files

Plant = Callable[[Mapping[str, str]], Path]


@needs_cargo
@pytest.mark.parametrize("manifests", LAYOUTS.values(), ids=LAYOUTS)
def test_members_are_those_that_cargo_sees(plant: Plant, manifests: dict[str, str]) -> None:
    root = plant(with_libraries(manifests))
    scan = scan_repository(root)
    for workspace, members in scan.members.items():
        assert members == cargo_members(root, workspace)


@needs_cargo
@pytest.mark.parametrize("manifests", LAYOUTS.values(), ids=LAYOUTS)
def test_a_crate_is_found_exactly_when_cargo_would_build_it(plant: Plant, manifests: dict[str, str]) -> None:
    root = plant(with_libraries(manifests))
    packages = {directory for directory, text in manifests.items() if "[package]" in text}
    buildable = {each for each in packages if cargo_members(root, each) is not None}
    assert {each.path for each in discover(root).crates} == buildable


@needs_cargo
@settings(max_examples=20, deadline=None)
@given(manifests=layouts())
def test_members_are_those_that_cargo_sees_in_any_layout(manifests: dict[str, str]) -> None:
    with TemporaryDirectory() as directory:
        root = write_files(Path(directory), with_libraries(manifests))
        expected = cargo_members(root)
        if expected is not None:
            assert scan_repository(root).members["."] == expected


def test_a_crate_that_cargo_refuses_says_how_to_make_it_a_member(plant: Plant) -> None:
    root = plant(with_libraries({"ws": '[workspace]\nmembers = ["a"]\n', "ws/a": crate("a"), "ws/b": crate("b")}))
    discovery = discover(root)
    assert [each.path for each in discovery.crates] == ["ws/a"]
    assert [each.path for each in discovery.skipped] == ["ws/b/Cargo.toml"]
    assert discovery.skipped[0].reason == (
        "it lies below the workspace ws/Cargo.toml but is not a member, and cargo refuses to build it: "
        "add it to members or exclude"
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
    assert [each.path for each in discover(plant(with_libraries(manifests))).crates] == [
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
    found = discover(plant(with_libraries(manifests))).crates
    assert [(each.name, each.version) for each in found] == [("a", "2.0.0-rc.1"), ("b", "3.0.0")]


def test_kinds_see_inherited_dependencies(plant: Plant) -> None:
    shared = '[workspace.dependencies]\nbindgen = { package = "wasm-bindgen", version = "0.2" }\n'
    library = '[lib]\ncrate-type = ["cdylib"]\n[dependencies]\nbindgen.workspace = true\n'
    root = plant(with_libraries({".": f'[workspace]\nmembers = ["a"]\n{shared}', "a": crate("a", library)}))
    assert [each.kind for each in discover(root).crates] == ["wasm"]


def test_depends_on_names_found_crates_also_by_way_of_those_skipped(plant: Plant) -> None:
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
    found = discover(plant(with_libraries(manifests))).crates
    assert {each.name: each.depends_on for each in found} == {
        "app": ("base",),
        "base": ("prepare",),
        "helper": ("app",),
        "prepare": (),
    }


def test_a_circle_is_skipped_and_the_rest_stays(plant: Plant) -> None:
    manifests = {
        "a": crate("a", '[dependencies]\nb = { path = "../b" }\n'),
        "b": crate("b", '[dependencies]\na = { path = "../a" }\n'),
        "c": crate("c", '[dependencies]\na = { path = "../a" }\nd = { path = "../d" }\n'),
        "d": crate("d"),
    }
    discovery = discover(plant(with_libraries(manifests)))
    assert [(each.name, each.depends_on) for each in discovery.crates] == [("c", ("d",)), ("d", ())]
    assert [each.path for each in discovery.skipped] == ["a/Cargo.toml", "b/Cargo.toml"]
    assert all(each.reason.startswith("it depends on itself: ") for each in discovery.skipped)
