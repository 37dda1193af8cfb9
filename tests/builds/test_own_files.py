"""Builds of crates with other layouts, names and files beside them, by the command."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from generator.processes import output
from tests.conftest import MakeRepository
from tests.support import cratematrix, entry, library, write_files

pytestmark = pytest.mark.slow

ADDON = 'echo "int napi_register_module_v1(void) { return 0; }" | cc -shared -x c - -o %sdemo.linux-x64-gnu.node'
PRETTIER = json.dumps({"private": True, "devDependencies": {"prettier": "^3"}})


def build(top: Path, *words: str) -> dict[str, Any]:
    """Build the only crate and return its report."""
    cratematrix("build", "--all", *words, cwd=top)
    (crate,) = json.loads((top / "dist/report.json").read_text())["crates"]
    return dict(crate)


def files_of(top: Path, name: str) -> set[str]:
    """Return the files of a package in dist, without its documents."""
    listed = subprocess.run(["tar", "-tzf", top / "dist" / name], capture_output=True, text=True, check=True)  # noqa: TID251
    return {each.removeprefix("package/") for each in listed.stdout.split()} - {"package.json", "sbom.cdx.json"}


def program(name: str, *others: str) -> dict[str, str]:
    sources = {f"{name}/src/bin/{each}.rs": "fn main() {}\n" for each in others}
    return library(name) | {f"{name}/src/main.rs": "fn main() {}\n", **sources}


def package_json(main: str, **more: Any) -> str:
    return json.dumps({"name": "@demo/demo", "version": "1.0.0", "main": main, "napi": {"binaryName": "demo"}, **more})


@pytest.mark.parametrize("kind", ["bin", "lib"])
def test_a_package_json_of_something_else_is_in_nobodys_way(repository: MakeRepository, kind: str) -> None:
    beside = {"tool/package.json": PRETTIER, "tool/package-lock.json": "{"}
    crate = build(repository([entry("tool", kind=kind)], program("tool") | beside))
    assert (crate["state"], crate["failure"]) == ("built", None)


def test_a_version_is_that_of_cargo_toml_where_the_manifest_has_none(repository: MakeRepository) -> None:
    without = {key: value for key, value in entry("tool", kind="bin").items() if key != "version"}
    crate = build(repository([without], program("tool")))
    assert (crate["state"], crate["version"]) == ("built", "1.0.0")
    assert crate["package"]["file"] == "demo-tool-1.0.0.tgz"


def test_a_difference_is_known_before_there_is_a_sandbox(repository: MakeRepository) -> None:
    top = repository([entry("tool", kind="bin", version="2.0.0")], program("tool"))
    crate = build(top)
    assert crate["failure"]["message"] == 'tool/Cargo.toml has version "1.0.0", the manifest 2.0.0'
    assert (crate["phases"], crate["sandboxes"]) == ([], [])
    ran = cratematrix("check", cwd=top)
    assert ran.code == 2
    said = (
        'crates.json:15: $.crates[0].version: tool/Cargo.toml has version "1.0.0", the manifest 2.0.0: make them equal'
    )
    assert said in ran.err


def test_an_addon_is_built_whose_package_json_is_elsewhere(repository: MakeRepository) -> None:
    files = {
        **library("native"), "js/package.json": package_json("index.js", scripts={"test": "node -e 'require(`./`)'"}),
        "js/index.js": "exports.x = 1\n", "native/index.js": "exports.other = 1\n",
    }  # fmt: skip
    source = {"path": "native", "package": "js"}
    top = repository([entry("demo", kind="napi", source=source, commands={"build": ADDON % ""})], files)
    crate = build(top)
    assert (crate["state"], crate["tests"]) == ("built", "passed"), crate["failure"]
    assert files_of(top, "demo-demo-1.0.0.tgz") == {"index.js", "demo.linux-x64-gnu.node"}
    assert build(top)["attempts"] == 0
    author = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
    output(["git", *author, "commit", "--quiet", "--message", "first"], timeout=600, cwd=top)
    write_files(top, {"js/index.js": "exports.x = 2\n"})
    assert build(top)["attempts"] == 1
    planned = json.loads(cratematrix("plan", "--changed-since", "HEAD", "--json", cwd=top).out)
    assert [each["reason"] for each in planned["reasons"]] == ["js/index.js changed"]


@pytest.mark.parametrize("main", ["lib/index.js", "./lib/", "lib"])
def test_an_addon_is_packed_from_where_its_package_json_says(repository: MakeRepository, main: str) -> None:
    declared = package_json(main, files=["lib/index.js"])
    files = {**library("demo"), "demo/package.json": declared, "demo/lib/index.js": "exports.x = 1\n"}
    top = repository([entry("demo", kind="napi", commands={"build": ADDON % "lib/"})], files)
    crate = build(top)
    assert crate["state"] == "built", crate["failure"]
    assert files_of(top, "demo-demo-1.0.0.tgz") == {"lib/index.js", "lib/demo.linux-x64-gnu.node"}


def test_the_chosen_programs_alone_are_in_the_package(repository: MakeRepository) -> None:
    top = repository([entry("tool", kind="bin", programs=["tool"])], program("tool", "helper"))
    crate = build(top)
    assert (crate["state"], crate["loaded"]) == ("built", "npx tool --version"), crate["failure"]
    assert files_of(top, "demo-tool-1.0.0.tgz") == {"bin/tool.js", "bin/linux-x64-gnu/tool"}


def test_an_unscoped_program_has_platform_packages_with_a_scope(repository: MakeRepository) -> None:
    top = repository([entry("tool", kind="bin", npm_name="sometool")], program("tool"))
    crate = build(top, "--layout", "split")
    assert (crate["state"], crate["loaded"]) == ("built", "npx tool --version"), crate["failure"]
    names = [each["file"] for each in crate["packages"]]
    assert names == ["sometool-1.0.0.tgz", "demo-sometool-linux-x64-gnu-1.0.0.tgz"]
