"""The published package.json of an addon, and the checks of its declared files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from generator.errors import Unbuildable
from generator.packages.addon import addon_packages, binary_name
from generator.packages.identity import Identity
from tests.packages.conftest import package_json

IDENTITY = Identity("@demo/words", "1.2.3", license="Apache-2.0")
DECLARED: dict[str, Any] = {
    "name": "@demo/words",
    "version": "1.2.3",
    "main": "index.js",
    "types": "./index.d.ts",
    "napi": {"binaryName": "words"},
}


def published(tmp: Path, *paths: str, **more: Any) -> dict[str, Any]:
    for path in ("index.js", "index.d.ts", "words.linux-x64-gnu.node", *paths):
        (tmp / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp / path).write_text("")
    (package,) = addon_packages(IDENTITY, DECLARED | more, ("linux-x64-gnu",), tmp, "single")
    return package_json(package)


def test_install_scripts_and_what_only_developers_need_are_taken_out(tmp_path: Path) -> None:
    scripts = {"postinstall": "x", "prepare": "x", "install": "x", "preinstall": "x", "test": "node --test"}
    declared = published(tmp_path, scripts=scripts, devDependencies={"a": "1"}, publishConfig={"access": "public"})
    assert declared["scripts"] == {"test": "node --test"}
    assert "devDependencies" not in declared
    assert "publishConfig" not in declared


def test_nothing_is_left_that_makes_npm_compile_at_install_time(tmp_path: Path) -> None:
    declared = published(tmp_path, "binding.gyp", gypfile=True)
    assert declared["gypfile"] is False
    assert "binding.gyp" not in declared["files"]


def test_platform_packages_are_not_looked_for_on_the_network(tmp_path: Path) -> None:
    optional = {"@demo/words-linux-x64-gnu": "1.2.3", "@demo/words-darwin-arm64": "1.2.3", "other": "2"}
    assert published(tmp_path, optionalDependencies=optional)["optionalDependencies"] == {"other": "2"}


@pytest.mark.parametrize("napi", [{"packageName": "@x/y"}, {"package": {"name": "@x/y"}}], ids=["napi 3", "napi 2"])
def test_nor_under_the_name_that_the_napi_key_gives_them(tmp_path: Path, napi: dict[str, Any]) -> None:
    optional = {"@x/y-linux-x64-gnu": "1.2.3", "@x/y-wasm32-wasi": "1.2.3"}
    assert "optionalDependencies" not in published(
        tmp_path, napi={"name": "words", **napi}, optionalDependencies=optional
    )


def test_what_package_json_does_not_say_cargo_toml_does(tmp_path: Path) -> None:
    assert published(tmp_path)["license"] == "Apache-2.0"
    assert published(tmp_path, license="MIT")["license"] == "MIT"


@pytest.mark.parametrize("strange", [[], "x", 7, None, {"a": 1}], ids=repr)
def test_dependencies_that_are_none_are_dropped(tmp_path: Path, strange: object) -> None:
    declared = published(
        tmp_path, dependencies=strange, optionalDependencies=strange, napi={"name": "words", "package": 7}
    )
    assert "dependencies" not in declared
    assert "optionalDependencies" not in declared


def test_the_files_are_exactly_those_of_the_package(tmp_path: Path) -> None:
    declared = published(tmp_path, "dist/a.js", files=["everything"])
    assert declared["files"] == ["dist/a.js", "index.d.ts", "index.js", "words.linux-x64-gnu.node"]


def test_the_manifest_decides_name_and_version(tmp_path: Path) -> None:
    declared = published(tmp_path, name="@other/name", version="9.9.9")
    assert (declared["name"], declared["version"]) == ("@demo/words", "1.2.3")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"main": "dist/index.js"}, "package.json names dist/index.js as its main, but the build did not create it"),
        ({"types": "lost.d.ts"}, "package.json names lost.d.ts as its types, but the build did not create it"),
        ({"napi": {"binaryName": "other"}}, r"other\.linux-x64-gnu\.node was not built"),
        ({"napi": None}, "package.json has no napi key"),
    ],
)
def test_a_declared_file_that_is_missing_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(Unbuildable, match=message):
        published(tmp_path, **change)


@pytest.mark.parametrize(
    ("napi", "name"),
    [({"binaryName": "new"}, "new"), ({"name": "old"}, "old"), ({}, "index")],
    ids=["version 3", "version 2", "default"],
)
def test_the_binarys_name_is_found_in_both_styles(napi: dict[str, str], name: str) -> None:
    assert binary_name({"napi": napi}) == name


@pytest.mark.parametrize("name", ["", "../x", "a b", "$(x)", "a/b", 7, None, "x'y"])
def test_a_binary_name_that_could_mean_anything_else_is_refused(name: object) -> None:
    with pytest.raises(Unbuildable, match="letters, digits, dots, - and _"):
        binary_name({"napi": {"binaryName": name}})
