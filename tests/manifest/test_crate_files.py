"""Values that a manifest takes from Cargo.toml and package.json, and differences between them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from generator.errors import InputError
from generator.manifest.models import Manifest
from generator.manifest.names import tarball_names
from generator.manifest.reading import load_manifest
from generator.manifest.settings import settings
from tests.support import write_files

PACKAGE = '[package]\nname = "{}"\nversion = "{}"\n'
INHERITS = '[package]\nname = "one"\nversion.workspace = true\n'
WORKSPACE = '[workspace]\nmembers = ["crates/*"]\n[workspace.package]\nversion = "3.0.0"\n'


def load(top: Path, files: dict[str, str], *crates: dict[str, Any], compare_files: bool = False) -> Manifest:
    """Load the manifest of these crates, each of the kind bin in the directory `one` unless it says otherwise."""
    entries = [{"name": "one", "kind": "bin", "source": {"path": "one"}, **each} for each in crates]
    text = json.dumps({"schema_version": 1, "fleet": {"npm_scope": "@t"}, "crates": entries}, indent=1)
    write_files(top, {".git/HEAD": "", "crates.json": text, **files})
    return load_manifest(top / "crates.json", compare_files=compare_files)


def problems(top: Path, files: dict[str, str], *crates: dict[str, Any], compare_files: bool = False) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        load(top, files, *crates, compare_files=compare_files)
    return tuple(line.removeprefix(f"{top}/") for line in caught.value.problems)


ADDON: dict[str, Any] = {"kind": "napi", "npm_name": "native"}
NAPI: dict[str, Any] = {"name": "native", "version": "0.7.0", "napi": {"binaryName": "one"}}

VERSIONS: dict[str, tuple[dict[str, str], dict[str, Any], str]] = {
    "of Cargo.toml": ({"one/Cargo.toml": PACKAGE.format("one", "0.3.0")}, {}, "0.3.0"),
    "with a byte order mark": ({"one/Cargo.toml": "\ufeff" + PACKAGE.format("one", "0.3.0")}, {}, "0.3.0"),
    "with Windows' line ends": ({"one/Cargo.toml": PACKAGE.format("one", "0.3.0").replace("\n", "\r\n")}, {}, "0.3.0"),
    "none, which is Cargo's default": ({"one/Cargo.toml": '[package]\nname = "one"\n'}, {}, "0.0.0"),
    "of the workspace": (
        {"Cargo.toml": WORKSPACE, "crates/one/Cargo.toml": INHERITS}, {"source": {"path": "crates/one"}}, "3.0.0",
    ),
    "of a workspace elsewhere": (
        {"ws/Cargo.toml": WORKSPACE, "one/Cargo.toml": INHERITS + 'workspace = "../ws"\n'}, {}, "3.0.0",
    ),
    "of the workspace at the crate": ({"one/Cargo.toml": INHERITS + WORKSPACE}, {}, "3.0.0"),
    "of package.json": (
        {"one/Cargo.toml": PACKAGE.format("one", "0.0.0"), "one/package.json": json.dumps(NAPI)}, ADDON, "0.7.0",
    ),
    "of package.json elsewhere": (
        {"one/Cargo.toml": PACKAGE.format("one", "0.0.0"), "js/package.json": json.dumps(NAPI)},
        {**ADDON, "source": {"path": "one", "package": "js"}}, "0.7.0",
    ),
    "of Cargo.toml beside a package.json of something else": (
        {"one/Cargo.toml": PACKAGE.format("one", "0.3.0"), "one/package.json": '{"version": "9.0.0"}'}, {}, "0.3.0",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "crate", "version"), VERSIONS.values(), ids=VERSIONS)
def test_a_version_that_the_manifest_leaves_out(
    tmp_path: Path, files: dict[str, str], crate: dict[str, Any], version: str
) -> None:
    assert [each.version for each in load(tmp_path, files, crate, compare_files=True).crates] == [version]


@pytest.mark.parametrize(
    ("files", "crate", "said"),
    [
        ({"one/Cargo.toml": INHERITS}, {}, "is missing, and one/Cargo.toml has none"),
        ({}, {}, "is missing, and one/Cargo.toml has none"),
        ({"one/Cargo.toml": "[package\n"}, {}, "is missing, and one/Cargo.toml: line 1: it is not valid TOML"),
        (
            {"one/Cargo.toml": PACKAGE.format("x", "1.0"), "one/package.json": "{"},
            ADDON,
            "one/package.json is not valid",
        ),
        ({"one/Cargo.toml": PACKAGE.format("x", "1.0")}, {}, '"1.0" is not a version'),
        ({}, {"source": {"registry": "one", "version": "1.0.0"}}, "is required and missing"),
    ],
)
def test_a_version_that_nobody_gives_is_an_error_with_its_line(
    tmp_path: Path, files: dict[str, str], crate: dict[str, Any], said: str
) -> None:
    (problem,) = problems(tmp_path, files, crate)
    assert problem.startswith("crates.json:7: $.crates[0].version: ")
    assert said in problem


DIFFERENCES: dict[str, tuple[dict[str, str], dict[str, Any], str]] = {
    "version of Cargo.toml": (
        {"one/Cargo.toml": PACKAGE.format("one", "0.3.0")}, {"version": "0.4.0"},
        'crates[0].version: one/Cargo.toml has version "0.3.0", the manifest 0.4.0: make them equal',
    ),
    "inherited version": (
        {"Cargo.toml": WORKSPACE, "crates/one/Cargo.toml": INHERITS}, {"version": "0.4.0", "source": {"path": "crates/one"}},
        'crates[0].version: crates/one/Cargo.toml has version "3.0.0", the manifest 0.4.0: make them equal',
    ),
    "version of package.json": (
        {"one/Cargo.toml": PACKAGE.format("one", "0.4.0"), "one/package.json": json.dumps(NAPI)},
        {**ADDON, "version": "0.4.0"},
        'crates[0].version: one/package.json has version "0.7.0", the manifest 0.4.0: make them equal',
    ),
    "name of package.json": (
        {"one/Cargo.toml": PACKAGE.format("one", "0.4.0"), "one/package.json": json.dumps(NAPI)}, {"kind": "napi"},
        'crates[0].name: one/package.json has name "native", the manifest @t/one: make them equal',
    ),
    "no name in package.json": (
        {"one/Cargo.toml": PACKAGE.format("one", "0.4.0"), "one/package.json": '{"version": "1.0.0"}'}, ADDON,
        "crates[0].npm_name: one/package.json has no name, the manifest native: make them equal",
    ),
    "no package.json": (
        {"one/Cargo.toml": PACKAGE.format("one", "0.4.0")}, {**ADDON, "version": "0.4.0"},
        'crates[0].source: one/package.json is missing: kind napi needs it; if it is elsewhere, name its directory in "source" as "package"',
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "crate", "said"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_a_difference_from_the_crates_own_files_is_known_before_anything_is_fetched(
    tmp_path: Path, files: dict[str, str], crate: dict[str, Any], said: str
) -> None:
    (problem,) = problems(tmp_path, files, crate, compare_files=True)
    assert problem.partition("$.")[2] == said
    load(tmp_path, files, crate)  # only `check` compares all crates


@pytest.mark.parametrize(
    ("package", "crate", "name"),
    [
        ({"packageName": "@native/binding"}, {}, "@native/binding"),
        ({"packageName": "@native/binding"}, {"platform_packages": "@t/own"}, "@t/own"),
        ({"packageName": "native-binding"}, {}, "@t/native"),
        ({"packageName": "@Not/a name"}, {}, "@t/native"),
        ({"packageName": 7}, {}, "@t/native"),
        ({}, {}, "@t/native"),
        ({"packageName": "@native/binding"}, {"npm_name": "@t/one"}, "@t/one"),
    ],
)
def test_the_platform_packages_of_an_unscoped_addon_have_a_scope(
    tmp_path: Path, package: dict[str, Any], crate: dict[str, Any], name: str
) -> None:
    files = {
        "one/Cargo.toml": PACKAGE.format("one", "0.0.0"),
        "one/package.json": json.dumps({**NAPI, "napi": package}),
    }
    manifest = load(tmp_path, files, {**ADDON, **crate})
    own = settings(manifest.fleet, manifest.crates[0])
    tarballs = tarball_names(manifest.crates[0], own, ("linux-x64-gnu",), "split")
    flat = name.removeprefix("@").replace("/", "-")
    assert [*tarballs] == [
        f"{own.npm_name.removeprefix('@').replace('/', '-')}-0.7.0.tgz",
        f"{flat}-linux-x64-gnu-0.7.0.tgz",
    ]


@pytest.mark.attack("no file outside of the repository says anything about a crate")
def test_a_link_out_of_the_repository_is_not_read(tmp_path: Path) -> None:
    write_files(tmp_path, {"outside/Cargo.toml": PACKAGE.format("one", "6.6.6")})
    (tmp_path / "repository/one").mkdir(parents=True)
    (tmp_path / "repository/one/Cargo.toml").symlink_to("../../outside/Cargo.toml")
    (problem,) = problems(tmp_path / "repository", {}, {})
    assert "one/Cargo.toml has none" in problem
