"""The files of a package leave the sandbox as npm would pack them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from generator.builds.artifacts import unpack
from generator.recipes.recipe import collect_script
from generator.scripts import script
from tests.recipes.jobs import job_of
from tests.support import bash, write_files

PACKED = {"id": "@demo/x@1.0.0", "name": "@demo/x", "files": [{"path": "index.js"}, {"path": "lib/deep.js"}]}


@pytest.mark.parametrize("listed", [[PACKED], {"@demo/x": PACKED}], ids=["npm 10 and 11", "npm 12"])
def test_the_files_that_npm_lists_are_copied_whatever_its_version(tmp_path: Path, listed: Any) -> None:
    write_files(tmp_path, {"index.js": "1", "lib/deep.js": "2", "other.js": "3", "x.node": "4"})
    (tmp_path / "list.json").write_text(json.dumps(listed))
    write_files(tmp_path, {"stage.js": script("stage-npm-files.js")})
    done = bash('node -e "$(cat stage.js)" list.json out . "" x.node lost.node', tmp_path)
    assert done.returncode == 0, done.stderr
    found = {each.relative_to(tmp_path / "out").as_posix() for each in (tmp_path / "out").rglob("*.*")}
    assert found == {"index.js", "lib/deep.js", "x.node"}


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "byte order mark"])
def test_addons_are_beside_the_entry_that_package_json_names(tmp_path: Path, mark: str) -> None:
    files = {"package.json": f'{mark}{{"main": "lib/index.js"}}', "x.node": "1", "lib/x.node": "2"}
    write_files(tmp_path, {**files, "find.js": script("addon-directory.js")})
    done = bash('node -e "$(cat find.js)" x.node', tmp_path)
    assert (done.stdout, done.stderr) == ("lib\n", "")


@pytest.mark.parametrize("name", ["n" * 120 + ".js", f"{'d' * 60}/{'e' * 60}/{'f' * 40}.js", f"{'d' * 155}/x.js"])
def test_a_long_name_leaves_the_sandbox(tmp_path: Path, name: str) -> None:
    write_files(tmp_path / "build/out", {name: "long", "a.js": "short"})
    done = bash(collect_script(job_of(tmp_path / "build")), tmp_path)
    assert done.returncode == 0, done.stderr
    unpack(tmp_path / "build/out.tar", tmp_path / "unpacked")
    assert (tmp_path / "unpacked" / name).read_text() == "long"
