"""An addon and its wasm are tested and loaded separately, because a loader takes one for the other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from generator.cargo.metadata import Package
from generator.npm.projects import NpmProject
from generator.platforms import PlatformName
from generator.recipes.job import BuildJob, CrateMetadata
from generator.recipes.kinds import RECIPES
from tests.recipes.jobs import job_of
from tests.support import bash, write_files

HOST: PlatformName = "linux-x64-gnu"
ADDON = RECIPES["napi"]
PACKAGE = Package(id="x", name="x", version="1.0.0", manifest_path="Cargo.toml", targets=())
NPM = NpmProject("crate", "crate", "npm")
DESCRIBED = CrateMetadata(PACKAGE, {"napi": {"binaryName": "x"}, "scripts": {"test": "node index.js"}}, npm=NPM)
# Like napi's loaders, which may load the addon even when the wasm is forced.
LOADER = "let found\ntry { found = require('./x.linux-x64-gnu.node') } catch { found = require('./x.wasi.cjs') }\n"
FILES = {
    "index.js": f"require.extensions['.node'] = require.extensions['.js']\n{LOADER}console.log(found.me)\nexports.me = 1\n",
    "x.linux-x64-gnu.node": "exports.me = 'the addon'\n",
    "x.wasi.cjs": "exports.me = 'the wasm'\n",
    "package.json": '{"name": "@demo/x", "scripts": {"test": "node index.js"}}',
}


def job(root: Path, *platforms: PlatformName) -> BuildJob:
    return replace(job_of(root, kind="napi"), platforms=platforms)


def ended(script: str | None, cwd: Path) -> tuple[int, str]:
    """Return a script's exit code and its last line."""
    done = bash(str(script), cwd)
    return done.returncode, done.stdout.strip().rpartition("\n")[2]


def outcome(top: Path, platform: PlatformName) -> tuple[int, str]:
    return ended(ADDON.test(job(top, HOST, "wasm32"), DESCRIBED, platform).script, top)


def test_each_is_tested_by_itself(tmp_path: Path) -> None:
    write_files(tmp_path, FILES)
    assert outcome(tmp_path, HOST) == (0, "the addon")
    assert outcome(tmp_path, "wasm32") == (0, "the wasm")


@pytest.mark.parametrize(("broken", "other"), [("x.linux-x64-gnu.node", "wasm32"), ("x.wasi.cjs", HOST)])
def test_one_that_does_not_load_is_no_others_success(tmp_path: Path, broken: str, other: PlatformName) -> None:
    write_files(tmp_path, {**FILES, broken: "throw new Error('broken')\n"})
    codes = {platform: outcome(tmp_path, platform)[0] for platform in (HOST, "wasm32")}
    assert codes.pop(other) == 0
    assert list(codes.values()) == [1]


@pytest.mark.parametrize(("broken", "code"), [(None, 0), ("x.linux-x64-gnu.node", 1), ("x.wasi.cjs", 1)])
def test_each_is_loaded_by_itself(tmp_path: Path, broken: str | None, code: int) -> None:
    files = FILES | ({broken: "throw new Error('broken')\n"} if broken else {})
    write_files(tmp_path / "node_modules/@demo/x", files)
    script, words = ADDON.load(job(tmp_path, HOST, "wasm32"), DESCRIBED)
    assert ended(script, tmp_path)[0] == code
    assert words == 'require("@demo/x") and its x.wasi.cjs'


def test_where_no_addon_is_for_this_machine_the_loader_takes_the_wasm(tmp_path: Path) -> None:
    files = {name: text for name, text in FILES.items() if name != "x.linux-x64-gnu.node"}
    write_files(tmp_path / "node_modules/@demo/x", files)
    script, _ = ADDON.load(job(tmp_path, "darwin-x64", "wasm32"), DESCRIBED)
    assert ended(script, tmp_path) == (0, "the wasm")
