"""Collection of crates from workspaces, compared with the results of cargo."""

from __future__ import annotations

import json
import posixpath
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from generator.errors import InputError
from generator.manifest.crate_models import Crate
from generator.processes import run
from generator.sources.collect import CollectedSource, SourceLocations, collect
from tests.discovery.layouts import DIRECTORIES, LAYOUTS, cargo_members, crate, layouts, needs_cargo, with_libraries
from tests.support import git_repository, unpack, write_files


def unpacked(files: Mapping[str, str], directory: str, tmp: Path) -> tuple[CollectedSource, Path]:
    """Collect the crate of a repository of these files, and unpack the tar somewhere else."""
    source = {"name": "x", "version": "0.1.0", "kind": "lib", "source": {"path": directory}}
    places = SourceLocations(write_files(tmp / "repository", files), ".", tmp / "git")
    found = collect(Crate.model_validate_json(json.dumps(source)), places, tmp / "source.tar")
    unpack(tmp / "source.tar", tmp / "sandbox")
    return found, tmp / "sandbox"


def listed(top: Path) -> list[str]:
    return sorted(each.relative_to(top).as_posix() for each in top.rglob("*") if each.is_file())


def manifest(top: Path, directory: str = ".") -> dict[str, Any]:
    return tomllib.loads((top / directory / "Cargo.toml").read_text())


def metadata(top: Path, directory: str) -> Any:
    """Return the output of cargo metadata for a crate and all its dependencies, or None when cargo fails."""
    path = str(top / directory / "Cargo.toml")
    done = run(["cargo", "metadata", "--offline", "--format-version", "1", "--manifest-path", path], timeout=600)
    return None if done.exit_code != 0 else json.loads(done.stdout)


def below(top: Path, directories: Iterable[str]) -> frozenset[str]:
    return frozenset(Path(each).relative_to(top.resolve()).as_posix() for each in directories)


def needed(described: Any, directory: str) -> frozenset[str]:
    """Return a crate and the workspace members that it depends on through members, by cargo's output."""
    packages = {posixpath.dirname(each["manifest_path"]): each for each in described["packages"]}
    members = {path for path, each in packages.items() if each["id"] in described["workspace_members"]}
    found: set[str] = set()
    waiting = {directory}
    while waiting:
        found |= waiting
        wanted = {each.get("path") for path in waiting for each in packages[path]["dependencies"]}
        waiting = wanted & members - found
    return frozenset(found)


def compare(files: Mapping[str, str], directory: str, tmp: Path) -> None:
    """Check that cargo reads a collected crate as in its repository, only with fewer other members."""
    found, sandbox = unpacked(files, directory, tmp)
    top = tmp / "repository"
    before, after = metadata(top, directory), metadata(sandbox, directory)
    assert after is not None
    assert below(sandbox, [after["workspace_root"]]) == below(top, [before["workspace_root"]]) == {found.workspace}
    wanted = below(top, needed(before, str((top / directory).resolve())))
    assert wanted <= members(sandbox, directory) <= members(top, directory)


def members(top: Path, directory: str) -> frozenset[str]:
    """Return the members of a crate's workspace, by cargo's output."""
    seen = cargo_members(top, directory)
    assert seen is not None
    return seen


@needs_cargo
@pytest.mark.parametrize("manifests", LAYOUTS.values(), ids=LAYOUTS)
def test_every_crate_that_cargo_builds_is_one_after_collecting(tmp_path: Path, manifests: dict[str, str]) -> None:
    files = with_libraries(manifests)
    top = write_files(tmp_path / "all", files)
    packages = [each for each, text in manifests.items() if "[package]" in text and metadata(top, each)]
    assert packages
    for each in packages:
        with TemporaryDirectory(dir=tmp_path) as directory:
            compare(files, each, Path(directory))


@needs_cargo
@settings(max_examples=20, deadline=None)
@given(manifests=layouts(), data=st.data())
def test_so_it_is_in_any_layout(manifests: dict[str, str], data: st.DataObject) -> None:
    with TemporaryDirectory() as directory:
        complete = {each: crate(each.replace("/", "-")) for each in DIRECTORIES} | manifests
        files = with_libraries(complete)
        top = write_files(Path(directory) / "all", files)
        packages = [each for each, text in complete.items() if "[package]" in text]
        chosen = data.draw(st.sampled_from(packages))
        assume(metadata(top, chosen) is not None)
        compare(files, chosen, Path(directory))


VIRTUAL = "[workspace]\nmembers = {}\n"
NEEDS = '[dependencies]\n{} = {{ path = "{}" }}\n'

CLOSURES = {
    "excluded from the workspace around it": (
        {
            ".": '[workspace]\nmembers = ["tools/*"]\nexclude = ["tools/x"]\n',
            "tools/x": crate("x"),
            "tools/y": crate("y"),
        },
        "tools/x",
        {"tools/x"},
        {},
    ),
    "workspace that package.workspace names": (
        {"ws": VIRTUAL.format('["../x", "../y"]'), "x": crate("x", 'workspace = "../ws"\n'), "y": crate("y")},
        "x",
        {"x"},
        {"ws": ["../x"]},
    ),
    "members at any depth": (
        {".": VIRTUAL.format('["**/x", "deep/**"]'), "a/b/x": crate("x"), "deep/y/z": crate("z"), "w": crate("w")},
        "a/b/x",
        {"a/b/x"},
        {".": ["a/b/x"]},
    ),
    "patches of the workspace and theirs": (
        {
            ".": VIRTUAL.format('["x"]') + '[patch.crates-io]\ny = { path = "patched/y" }\nserde = "1"\n',
            "x": crate("x"),
            "patched/y": crate("y", '[dependencies]\nz = { path = "../z" }\n'),
            "patched/z": crate("z"),
        },
        "x",
        {"x", "patched/y", "patched/z"},
        {".": ["x"]},
    ),
    "patches of a crate without a workspace": (
        {"x": crate("x", '[patch.crates-io]\ny = { path = "../y" }\n'), "y": crate("y")},
        "x",
        {"x", "y"},
        {},
    ),
    "replacements": (
        {"x": crate("x", '[replace]\n"y:1.0.0" = { path = "../y" }\n'), "y": crate("y")},
        "x",
        {"x", "y"},
        {},
    ),
    "patches of a dependency do not count": (
        {"x": crate("x", NEEDS.format("y", "../y")), "y": crate("y", '[patch.crates-io]\nz = { path = "../z" }\n')},
        "x",
        {"x", "y"},
        {},
    ),
    "dependencies that are inherited": (
        {
            ".": VIRTUAL.format('["x"]') + '[workspace.dependencies]\ny = { path = "lib/y" }\nz = { path = "lib/z" }\n',
            "x": crate("x", '[target."cfg(unix)".dependencies]\ny = { workspace = true, features = ["f"] }\n'),
            "lib/y": crate("y", "[build-dependencies]\nz.workspace = true\n"),
            "lib/z": crate("z"),
            "lib/w": crate("w"),
        },
        "x",
        {"x", "lib/y", "lib/z"},
        {".": ["lib/y", "lib/z", "x"]},
    ),
    "dependencies of tests, also of optional ones": (
        {
            "x": crate("x", '[dev-dependencies]\ny = { path = "../y" }\n'),
            "y": crate("y", '[dependencies]\nz = { path = "../z", optional = true }\n'),
            "z": crate("z"),
        },
        "x",
        {"x", "y", "z"},
        {},
    ),
    "another member below": (
        {
            ".": VIRTUAL.format('["x", "x/deep/*"]'),
            "x": crate("x"),
            "x/deep/y": crate("y"),
            "x/deep/y/tests/fixture": crate("fixture", "[workspace]\n"),
            "x/fixture": crate("fixture", "[workspace]\n"),
        },
        "x",
        {"x"},
        {".": ["x"]},
    ),
    "another workspace": (
        {
            "one": VIRTUAL.format('["x"]'),
            "one/x": crate("x", NEEDS.format("y", "../../two/y")),
            "two": VIRTUAL.format('["y", "w"]') + '[workspace.dependencies]\nz = { path = "z" }\n',
            "two/y": crate("y", "[dependencies]\nz.workspace = true\n"),
            "two/z": crate("z"),
            "two/w": crate("w"),
        },
        "one/x",
        {"one/x", "two/y", "two/z"},
        {"one": ["x"], "two": ["y", "z"]},
    ),
}


@pytest.mark.parametrize(("manifests", "directory", "crates", "workspaces"), CLOSURES.values(), ids=CLOSURES)
def test_a_crate_comes_with_what_cargo_reads(
    tmp_path: Path,
    manifests: dict[str, str],
    directory: str,
    crates: set[str],
    workspaces: dict[str, list[str]],
) -> None:
    found, sandbox = unpacked(with_libraries(manifests), directory, tmp_path)
    files = {f"{each}/{name}" for each in crates for name in ("Cargo.toml", "lib.rs")}
    assert listed(sandbox) == sorted(files | {posixpath.normpath(f"{each}/Cargo.toml") for each in workspaces})
    assert {each: manifest(sandbox, each)["workspace"]["members"] for each in workspaces} == workspaces
    assert found.workspace == next(iter(workspaces), directory)


@needs_cargo
def test_the_package_of_a_root_that_is_not_needed_goes_and_its_resolver_stays(tmp_path: Path) -> None:
    more = '[workspace]\nmembers = ["x"]\n[workspace.package]\nversion = "3.0.0"\nedition = "2024"\n'
    files = {
        "Cargo.toml": '# ours\n[package]\nname = "top"\nedition.workspace = true\n[dependencies]\ny = { path = "y" }\n'
        f'{more}[features]\ndefault = []\n[profile.release]\nlto = true\n[[bin]]\nname = "tool"\n',
        "src/lib.rs": "",
        "x/Cargo.toml": '[package]\nname = "x"\nversion.workspace = true\n',
        "x/src/lib.rs": "",
        "y/Cargo.toml": crate("y"),
        "y/src/lib.rs": "",
    }
    _, sandbox = unpacked(files, "x", tmp_path)
    assert listed(sandbox) == ["Cargo.toml", "x/Cargo.toml", "x/src/lib.rs"]
    shared = {"members": ["x"], "package": {"version": "3.0.0"}, "resolver": "3"}
    assert manifest(sandbox) == {"workspace": shared, "profile": {"release": {"lto": True}}}
    assert [(each["name"], each["version"]) for each in metadata(sandbox, "x")["packages"]] == [("x", "3.0.0")]


RESOLVERS = {
    "edition 2018": ('edition = "2018"\n', "", None),
    "edition 2021": ('edition = "2021"\n', "", "2"),
    "the package's own": ('edition = "2018"\nresolver = "2"\n', "", "2"),
    "the workspace's own": ('edition = "2024"\n', 'resolver = "2"\n', "2"),
}


@pytest.mark.parametrize(("package", "workspace", "resolver"), RESOLVERS.values(), ids=RESOLVERS)
def test_dependencies_resolve_as_the_root_asked_for(
    tmp_path: Path, package: str, workspace: str, resolver: str | None
) -> None:
    top = f'[package]\nname = "top"\n{package}[workspace]\nmembers = ["x"]\n{workspace}'
    _, sandbox = unpacked({"Cargo.toml": top, "x/Cargo.toml": crate("x"), "x/src/lib.rs": ""}, "x", tmp_path)
    assert manifest(sandbox)["workspace"].get("resolver") == resolver


SPELLINGS = {
    "tables out of order": '[workspace.package]\nversion = "1.0.0"\n[profile.dev]\ndebug = 1\n[workspace]\n'
    'members = ["x"]\ndefault-members = ["x"]\n[workspace.dependencies]\nserde = "1"\n',
    "dotted": 'workspace.members = ["x"]\nworkspace.default-members = ["x"]\nworkspace.package.version = "1.0.0"\n'
    'workspace.package.edition = "2021"\nworkspace.dependencies.serde = "1"\nworkspace.lints.rust.unused = "warn"\n',
    "inline": 'workspace = { members = ["x", "y"], exclude = ["z"] }\n',
    "without a header": '[workspace.package]\nversion = "1.0.0"\n',
    "comments in an array": '[workspace]\nmembers = [ # all\n  "x", # first\n  "y",\n]\nexclude = ["z"] # why\n',
    "Windows": '[workspace]\r\nmembers = ["x"]\r\nresolver = "2"\r\n',
    "byte order mark": '\N{ZERO WIDTH NO-BREAK SPACE}[workspace]\nmembers = ["x"]\n',
}


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS)
def test_all_else_that_a_member_can_see_stays_as_it_was(tmp_path: Path, text: str) -> None:
    _, sandbox = unpacked({"Cargo.toml": text, "x/Cargo.toml": crate("x"), "y/Cargo.toml": crate("y")}, "x", tmp_path)
    expected = tomllib.loads(text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}"))
    expected["workspace"].pop("default-members", None)
    expected["workspace"]["members"] = ["x"]
    for inherited in ("package", "dependencies", "lints"):
        expected["workspace"].pop(inherited, None)
    assert manifest(sandbox) == expected


MISTAKES = {
    "dependency that is not there": (
        {"x": crate("x", NEEDS.format("y", "../y"))},
        "y/Cargo.toml is missing, or not tracked by git",
        "git add y",
    ),
    "dependency that is broken": (
        {"x": crate("x", NEEDS.format("y", "../y")), "y": "[package]\nname = \n"},
        "y/Cargo.toml: line 2: it is not valid TOML: Invalid value",
        None,
    ),
    "dependency that is no dependency": (
        {"x": crate("x", "[dependencies]\ny = 5\n")},
        "x/Cargo.toml: dependencies.y: Input should be a valid dictionary or instance of DependencyTable",
        None,
    ),
    "no crate and no workspace": (
        {"x": "[profile.dev]\n"},
        "x/Cargo.toml: it has neither [package] nor [workspace]",
        None,
    ),
    "workspace that is broken": (
        {".": "[workspace\n", "x": crate("x")},
        "Cargo.toml: line 1: it is not valid TOML: Expected ']' at the end of a table declaration",
        None,
    ),
    "workspace that is not there": (
        {"x": crate("x", 'workspace = "../ws"\n')},
        "ws/Cargo.toml is missing, or not tracked by git",
        "git add ws",
    ),
    "workspace that is none": (
        {"x": crate("x", 'workspace = "../ws"\n'), "ws": crate("ws")},
        "ws/Cargo.toml has no [workspace], but x/Cargo.toml belongs to it",
        None,
    ),
    "workspace outside": (
        {"x": crate("x", 'workspace = "../.."\n')},
        "x/Cargo.toml names the workspace ../.., which lies outside of the repository",
        None,
    ),
    "inherited dependency outside": (
        {
            ".": VIRTUAL.format('["x"]') + '[workspace.dependencies]\ny = { path = "../y" }\n',
            "x": crate("x", "[dependencies]\ny.workspace = true\n"),
        },
        "Cargo.toml depends on ../y, which lies outside of the repository",
        None,
    ),
}


@pytest.mark.parametrize(("manifests", "message", "fix"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_reported_with_its_file(
    tmp_path: Path, manifests: dict[str, str], message: str, fix: str | None
) -> None:
    with pytest.raises(InputError) as caught:
        unpacked({f"{each}/Cargo.toml": text for each, text in manifests.items()}, "x", tmp_path)
    assert (caught.value.message, caught.value.fix) == (message, fix)


def test_text_that_is_not_utf_8_is_reported_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository/Cargo.toml").write_bytes(b'[package]\nname = "\xff"\n')
    with pytest.raises(InputError, match=r"^Cargo\.toml is not UTF-8 text$"):
        unpacked({"src/lib.rs": ""}, ".", tmp_path)


def test_a_workspace_that_cannot_be_edited_is_reported_with_its_line(tmp_path: Path) -> None:
    files = {"Cargo.toml": f"[workspace]\n[workspace.metadata]\na = {'[' * 150}{']' * 150}\n"}
    with pytest.raises(InputError, match=r"^Cargo\.toml: .* at line 3 col \d+$"):
        unpacked({**files, "x/Cargo.toml": crate("x")}, "x", tmp_path)


def test_broken_files_that_the_crate_does_not_need_stop_nothing(tmp_path: Path) -> None:
    manifests = {".": VIRTUAL.format('["*"]'), "x": crate("x"), "x/fixture": "[broken", "y": "[broken"}
    _, sandbox = unpacked(with_libraries(manifests), "x", tmp_path)
    assert listed(sandbox) == ["Cargo.toml", "x/Cargo.toml", "x/lib.rs"]


PACKAGED = {
    "Cargo.toml": "",
    "src/lib.rs": "",
    "README.md": "",
    "notes.md": "",
    "docs/a.md": "",
    "docs/deep/b.txt": "",
    "data/big.bin": "",
    "data/small.txt": "",
    "tools/x/Cargo.toml": crate("x"),
    "tools/x/src/lib.rs": "",
}


@needs_cargo
@pytest.mark.parametrize(
    "rest",
    [
        "",
        'exclude = ["/docs/*.md", "data/**", "!data/small.txt"]',
        'exclude = ["*.md", "deep/", "[^a-m]ig.bin"]',
        'include = ["src/**", "/README.md", "docs", "!docs/deep"]',
    ],
)
def test_a_crate_has_the_files_that_cargo_package_takes(tmp_path: Path, rest: str) -> None:
    head = '[package]\nname = "one"\nversion = "0.1.0"\nedition = "2021"\nlicense = "MIT"\ndescription = "one"\n'
    found, sandbox = unpacked({**PACKAGED, "Cargo.toml": f"{head}{rest}\n[workspace]\n"}, ".", tmp_path)
    top = git_repository(tmp_path / "repository")
    listed_by_cargo = run(
        ["cargo", "package", "--list", "--allow-dirty", "--offline", "--manifest-path", str(top / "Cargo.toml")],
        timeout=600,
    ).stdout.decode()
    made = {"Cargo.toml.orig", "Cargo.lock", ".cargo_vcs_info.json"}
    assert found.directory == "."
    assert {*listed(sandbox)} == {*listed_by_cargo.splitlines()} - made
