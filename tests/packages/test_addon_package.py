"""The published package.json of an addon, and the checks of its declared files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from generator.errors import Unbuildable
from generator.manifest.values import Layout
from generator.packages.addon import addon_packages, binary_name
from generator.packages.identity import Identity
from generator.platforms import PlatformName
from tests.packages.conftest import package_json
from tests.support import write_files

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


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ({"browser": "browser.js"}, {}),
        ({"browser": "./browser.js"}, {}),
        ({"browser": {"./index.js": "./browser.js", "fs": False}}, {"browser": {"fs": False}}),
        ({"browser": "words.wasi-browser.js"}, {}),
        (
            {"exports": {".": {"browser": "./browser.js", "default": "./index.js"}, "./wasm": "./words.wasi.cjs"}},
            {"exports": {".": {"default": "./index.js"}}},
        ),
    ],
    ids=repr,
)
def test_without_wasm_nothing_leads_bundlers_to_it(tmp_path: Path, given: dict[str, Any], left: dict[str, Any]) -> None:
    write_files(tmp_path, {"browser.js": "export * from '@demo/words-wasm32-wasi'\n"})
    declared = published(tmp_path, **given)
    assert {key: declared[key] for key in ("browser", "exports") if key in declared} == left
    assert "browser.js" not in declared["files"]


def test_an_entry_for_browsers_of_the_packages_own_stays(tmp_path: Path) -> None:
    write_files(tmp_path, {"browser.js": "export const answer = 42\n"})
    declared = published(tmp_path, browser="browser.js")
    assert (declared["browser"], "browser.js" in declared["files"]) == ("browser.js", True)


@pytest.mark.parametrize(
    "given",
    [
        {"browser": "./web/entry.js"},
        {"browser": {"./index.js": "./web/entry.js"}},
        {"exports": {".": {"browser": {"import": "./web/entry.js"}, "default": "./index.js"}}},
    ],
    ids=repr,
)
def test_without_wasm_an_entry_of_any_name_does_not_lead_bundlers_to_it(tmp_path: Path, given: dict[str, Any]) -> None:
    write_files(tmp_path, {"web/entry.js": "export * from '@demo/words-wasm32-wasi'\n"})
    declared = published(tmp_path, **given)
    assert "web/entry.js" not in declared["files"]
    assert "web/entry.js" not in json.dumps(declared)


def packed(
    tmp: Path, files: dict[str, str], *platforms: PlatformName, layout: Layout = "single", **more: Any
) -> dict[str, dict[str, bytes]]:
    """Return the files of each package by name; package.json declares another name than the manifest."""
    write_files(tmp, {"index.js": "", "index.d.ts": "", **files})
    declared = {**DECLARED, "name": "@old/words", **more}
    packages = addon_packages(IDENTITY, declared, platforms or ("linux-x64-gnu",), tmp, layout)
    return {
        each.name: {
            file.path: file.content if isinstance(file.content, bytes) else file.content.read_bytes()
            for file in each.files
        }
        for each in packages
    }


@pytest.mark.parametrize("name", ["browser-entry.js", "lib/worker.mjs", "dist/some.cjs"])
def test_no_script_of_the_package_imports_a_platform_package_of_another_owner(tmp_path: Path, name: str) -> None:
    old = (
        "'@old/words-wasm32-wasi'",
        '"@old/words-linux-x64-gnu"',
        "`@old/words-linux-x64-gnu/package.json`",
        "`@old/words-${process.platform}-${process.arch}-gnu`",
        "`@old/words-linux-${process.arch}-gnu`",
        "'@old/words-' + process.platform",
    )
    others = "import '@old/words-utils'\nimport(`@old/words-utils/${name}`)\nimport('@old/words')\n"
    text = others + "".join(f"import({each})\n" for each in old)
    files = packed(tmp_path, {"words.linux-x64-gnu.node": "", name: text})["@demo/words"]
    assert files[name].decode() == others + "".join(f"import({each.replace('@old', '@demo')})\n" for each in old)


def test_with_wasm_in_the_package_a_script_of_any_directory_imports_it_from_there(tmp_path: Path) -> None:
    wasm = {"words.wasm32-wasi.wasm": "", "words.wasi.cjs": "", "words.wasi-browser.js": ""}
    text = "export * from '@old/words-wasm32-wasi'\n"
    files = packed(tmp_path, {**wasm, "browser.js": text, "web/entry.js": text}, "wasm32")["@demo/words"]
    assert files["browser.js"] == b"export * from './words.wasi-browser.js'\n"
    assert files["web/entry.js"] == b"export * from '../words.wasi-browser.js'\n"


LOADER = """
try { module.exports = require('./words.linux-x64-gnu.node') } catch {}
const bindingPackageVersion = require('@old/words-linux-x64-gnu/package.json').version
if (bindingPackageVersion !== '0.1.0' && process.env.NAPI_RS_ENFORCE_VERSION_CHECK) {
  throw new Error(`Native binding package version mismatch, expected 0.1.0 but got ${bindingPackageVersion}.`)
}
"""


@pytest.mark.parametrize("formatted", ["!== '0.1.0'", '!== "0.1.0"', "!=='0.1.0'", '!==\n    "0.1.0"'])
def test_a_loader_expects_the_version_that_the_packages_have(tmp_path: Path, formatted: str) -> None:
    files = {"index.js": LOADER.replace("!== '0.1.0'", formatted), "words.linux-x64-gnu.node": ""}
    text = packed(tmp_path, files, layout="split", version="0.1.0")["@demo/words"]["index.js"].decode()
    assert f"{formatted.replace('0.1.0', '1.2.3')} &&" in text
    assert "expected 1.2.3 but got $" in text
    assert "0.1.0" not in text


@pytest.mark.parametrize("layout", ["single", "split"])
def test_addons_in_a_directory_are_packed_from_there(tmp_path: Path, layout: Layout) -> None:
    files = {"lib/index.js": LOADER, "lib/words.linux-x64-gnu.node": "elf", "lib/words.darwin-arm64.node": "mach"}
    made = packed(tmp_path, files, "linux-x64-gnu", "darwin-arm64", layout=layout, main="lib/index.js")
    assert b"was not built for" in made["@demo/words"]["lib/index.js"]
    binaries = {name: sorted(path for path in each if path.endswith(".node")) for name, each in made.items()}
    if layout == "single":
        assert binaries == {"@demo/words": ["lib/words.darwin-arm64.node", "lib/words.linux-x64-gnu.node"]}
        return
    assert binaries == {
        "@demo/words": [],
        "@demo/words-linux-x64-gnu": ["words.linux-x64-gnu.node"],
        "@demo/words-darwin-arm64": ["words.darwin-arm64.node"],
    }
    own = json.loads(made["@demo/words-linux-x64-gnu"]["package.json"])
    assert own["main"] == "words.linux-x64-gnu.node"


def test_a_copy_of_one_addon_elsewhere_is_not_the_directory_of_all(tmp_path: Path) -> None:
    files = {"words.linux-x64-gnu.node": "", "lib/words.linux-x64-gnu.node": "", "lib/words.darwin-arm64.node": ""}
    assert packed(tmp_path, files, "linux-x64-gnu", "darwin-arm64")
