"""Builds of an addon whose repository uses npm, pnpm or yarn, and its package, installed by the same program.

`pytest -m slow -rP tests/builds/test_managers.py` prints a row of a table for each version.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from generator.packages.install_lines import install_line
from tests.conftest import MakeRepository
from tests.managers import ADDON_SOURCE, VERSIONS, ManagerVersion
from tests.support import HANGS, cratematrix, entry, library, write_files

pytestmark = pytest.mark.slow

LOCKS = {"npm": "package-lock.json", "pnpm": "pnpm-lock.yaml", "yarn": "yarn.lock"}
LOCKING = {
    "npm": "npm install --package-lock-only --ignore-scripts",
    "pnpm": "pnpm install --lockfile-only --ignore-scripts",
    "yarn": "yarn install",
}
BUILD = "set -e\n[ ! -e ran ]\nnode -p \"require('ms')('1s')\"\ncc -shared -fPIC answer.c -o demo.linux-x64-gnu.node\n"


def sources(used: ManagerVersion) -> dict[str, str]:
    """Return the files of a workspace in which an addon needs a package of npm's registry to be built and tested."""
    addon = {
        "name": "@demo/demo", "version": "1.0.0", "main": "index.js", "files": ["index.js", "*.node"],
        "napi": {"binaryName": "demo"}, "devDependencies": {"ms": "2.1.3"},
        "scripts": {"build": "sh build.sh", "test": "node test.js", "postinstall": "touch ran"},
    }  # fmt: skip
    root = {"name": "root", "private": True, "packageManager": used.named, "workspaces": ["npm/*"]}
    return {
        "package.json": json.dumps(root),
        **used.files,
        **({"pnpm-workspace.yaml": "packages:\n  - npm/*\n"} if used.installer == "pnpm" else {}),
        "npm/demo/package.json": json.dumps(addon),
        "npm/demo/index.js": "module.exports = require('./demo.linux-x64-gnu.node')\n",
        "npm/demo/test.js": "require('assert').equal(require('.').answer * require('ms')('1s'), 42000)\n",
        "npm/demo/answer.c": ADDON_SOURCE,
        "npm/demo/build.sh": BUILD,
    }


def run(line: str, cwd: Path, env: dict[str, str]) -> str:
    done = subprocess.run(  # noqa: TID251
        ["sh", "-c", line], cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=HANGS
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


@pytest.mark.parametrize("name", [name for name, each in VERSIONS.items() if each.installer != "bun"])
def test_an_addon_is_built_by_the_manager_of_its_repository_which_installs_its_package(
    repository: MakeRepository, tmp_path: Path, name: str
) -> None:
    used = VERSIONS[name]
    for each in ("home", "manager", "tmp"):
        (tmp_path / each).mkdir()
    path = ":".join([*map(str, used.install(tmp_path / "manager")), os.environ["PATH"]])
    # In CI some managers write no lock file.
    kept = {name: value for name, value in os.environ.items() if name != "CI"}
    own = {**kept, "PATH": path, "HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp")}
    files = sources(used)
    locked = write_files(tmp_path / "locked", files)
    run(LOCKING[used.installer], locked, own)
    lock = LOCKS[used.installer]
    crate = entry("demo", kind="napi", source={"path": "demo", "package": "npm/demo"})
    top = repository([crate], library("demo") | files | {lock: (locked / lock).read_text()})
    # npm 12 itself keeps a cache in the directory for temporary files.
    ran = cratematrix("build", "--all", cwd=top, env={"PATH": path, "TMPDIR": own["TMPDIR"]})
    assert ran.code == 0, ran.err
    (built,) = json.loads((top / "dist/report.json").read_text())["crates"]
    log = (top / "dist/logs/demo.log").read_text()
    assert "without a lock file" not in log
    assert (built["state"], built["tests"]) == ("built", "passed")
    app = write_files(tmp_path / "app", {"package.json": '{"name": "app", "private": true}', **used.files})
    line = install_line(used.installer, "@demo/demo", str(top / "dist" / built["package"]["file"]))
    run(line, app, own)
    node = "yarn node" if (app / ".pnp.cjs").exists() else "node"
    assert run(f"{node} -p \"require('@demo/demo').answer\"", app, own) == "42"
    print(f"{name} ({used.named}): frozen install, build, test, pack, and install by: {line}")  # noqa: T201
