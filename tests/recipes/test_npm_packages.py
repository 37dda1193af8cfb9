"""npm, yarn and pnpm of several versions install a workspace's member by its lock file, and run its scripts."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from generator.dependencies.files import DEPENDENCY_FILES, DependencyFiles
from generator.network.registries import Registries
from generator.npm.managers import Program
from generator.npm.projects import npm_project
from generator.recipes.npm_packages import (
    NPM_OPTIONS,
    NpmSource,
    install_script,
    manager_lines,
    npm_source,
    put_manager,
    restore_settings,
    run_program,
    run_script,
)
from generator.scripts import script
from tests.support import HANGS, write_files

MANAGERS = {
    "npm 10": "npm@10.9.9",
    "npm 11": "npm@11.21.2",
    "yarn 1": "yarn@1.22.22",
    "yarn 3": "yarn@3.8.7",
    "yarn 4": "yarn@4.18.1",
    "pnpm 8": "pnpm@8.15.9",
    "pnpm 9": "pnpm@9.15.9",
    "pnpm 10": "pnpm@10.34.8",
    "pnpm 12": "pnpm@12.20.0",
}
# A program that package.json of the workspace's root alone declares, as napi's own command line often is.
TOOL = "semver"


def workspace(manager: str) -> dict[str, Any]:
    """Return a workspace in the shape of napi's templates: a member that needs another one, and a tool of the root."""
    protocol = "*" if manager.startswith(("npm", "yarn@1")) else "workspace:*"
    catalog = "catalog:" if manager.startswith(("pnpm@9", "pnpm@1")) else "^2.1.0"
    root = {"name": "root", "private": True, "packageManager": manager, "devDependencies": {TOOL: "7.6.0"}}
    addon = {
        "name": "@demo/addon", "version": "1.0.0", "main": "index.js", "files": ["index.js"],
        "scripts": {"build": f"{TOOL} 1.2.3 && node build.js", "test": f"{TOOL} 4.5.6", "postinstall": "touch ran"},
        "dependencies": {"ms": catalog}, "devDependencies": {"@demo/helper": protocol},
    }  # fmt: skip
    helper = {"name": "@demo/helper", "version": "2.0.0", "main": "index.js", "scripts": {"prepare": "touch ran"}}
    settings = (
        {"pnpm-workspace.yaml": "packages:\n  - packages/*\ncatalog:\n  ms: ^2.1.0\n"}
        if manager.startswith("pnpm")
        else {".yarnrc.yml": "nodeLinker: node-modules\nyarnPath: .yarn/releases/lost.cjs\n"}
    )
    return {
        "package.json": {**root, **({} if manager.startswith("pnpm") else {"workspaces": ["packages/*"]})},
        **(settings if not manager.startswith(("npm", "yarn@1")) else {}),
        "packages/addon/package.json": addon,
        "packages/addon/build.js": "console.log('built', require('ms')('1s'), require('@demo/helper'))\n",
        "packages/addon/index.js": "",
        "packages/helper/package.json": helper,
        "packages/helper/index.js": "module.exports = 'helped'\n",
    }


def bash(script: str, cwd: Path, home: Path) -> subprocess.CompletedProcess[str]:
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    keep = {name: os.environ[name] for name in os.environ if name.isupper() or name == "npm_config_cache"}
    env = {**keep, "HOME": str(home), "TMPDIR": str(home / "tmp"), "CI": "true"}
    return subprocess.run(  # noqa: TID251
        ["bash", "-c", f"set -euo pipefail\n{script}"], cwd=cwd, env=env, capture_output=True, text=True, timeout=HANGS, check=False
    )  # fmt: skip


def source_of(top: Path) -> NpmSource:
    """Return the addon's npm project as a build reads it from the collected source."""
    names = [path for path in top.rglob("*") if path.name in DEPENDENCY_FILES and "node_modules" not in path.parts]
    files = DependencyFiles({path.relative_to(top).as_posix(): path.read_text() for path in names})
    return npm_source(npm_project("packages/addon", files.repository_files()), files)


def own_npm(directory: Path, manager: str, home: Path) -> str:
    """Return a line that puts another version of npm first on PATH."""
    if not manager.startswith("npm@"):
        return ""
    done = bash(
        put_manager(str(directory), Program("npm", "npm", manager.removeprefix("npm@"))), directory.parent, home
    )
    assert done.returncode == 0, done.stderr
    return f"export PATH={directory}/node_modules/.bin:$PATH\n"


def test_a_manager_that_needs_another_node_is_refused_with_a_sentence(tmp_path: Path) -> None:
    package = {"name": "x", "version": "1.0.0", "bin": "x.js", "engines": {"node": "<1"}}
    write_files(tmp_path, {"x@1.0.0/package.json": json.dumps(package), "x@1.0.0/x.js": ""})
    put = put_manager(str(tmp_path / "tools"), Program("x", f"file:{tmp_path}/x", "1.0.0"))
    done = bash(put, tmp_path, tmp_path / "home")
    assert done.returncode == 1
    sentence = r"error: file:.*/x@1\.0\.0 needs Node\.js <1, and v\d+\.\d+\.\d+ is installed"
    assert re.fullmatch(sentence, done.stderr.splitlines()[0])


@pytest.mark.slow
@pytest.mark.parametrize("name", MANAGERS)
def test_a_member_is_installed_by_the_lock_file_and_its_scripts_run(tmp_path: Path, name: str) -> None:
    manager = MANAGERS[name]
    root, home = tmp_path / "build", tmp_path / "home"
    texts = {
        path: each if isinstance(each, str) else f"{json.dumps(each, indent=2)}\n"
        for path, each in workspace(manager).items()
    }
    top = write_files(root / "source", texts)
    npm = own_npm(tmp_path / "npm", manager, home)
    # The first install has no lock file. For the second one it is the manager's own.
    unlocked = install_script(str(root), source_of(top), False, Registries())
    make = {
        "npm": "npm install --package-lock-only --ignore-scripts",
        "yarn-classic": "true",
        "yarn": "true",
        "pnpm": "pnpm install --lockfile-only --ignore-scripts",
    }
    project = source_of(top).project
    lock = f"{manager_lines(str(root), project)}\ncd {top} && {make[project.manager]}"
    if project.manager == "yarn-classic":
        lock += " && rm -rf node_modules && yarn install --ignore-scripts --non-interactive"
    done = bash(f"{npm}{unlocked}\n{lock}\n{restore_settings(str(root))}", root, home)
    assert done.returncode == 0, done.stdout + done.stderr
    source = source_of(top)
    assert (source.project.lock is not None, source.project.notes) == (True, ()), source.project
    assert source.package_json["dependencies"] == {"ms": "^2.1.0"}
    bash(f"rm -rf {top}/node_modules {top}/packages/*/node_modules {root}/tools", root, home)
    frozen = install_script(str(root), source, False, Registries())
    done = bash(f"{npm}{frozen}\n{restore_settings(str(root))}", root, home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(top.rglob("ran")) == []
    assert {path: (top / path).read_text() for path in texts} == texts
    lines = manager_lines(str(root), source.project)
    run = f"{run_script(source.project, 'build')}\n{run_script(source.project, 'test')}\n{run_program(source.project, f'{TOOL} 7.8.9')}"
    done = bash(f"{npm}{lines}\n{run}", top / "packages/addon", home)
    assert done.returncode == 0, done.stdout + done.stderr
    for words in ("built 1000 helped", "4.5.6", "7.8.9"):
        assert words in done.stdout
    packed = f"npm pack --dry-run --json {NPM_OPTIONS} --loglevel=silent > ../files.json"
    copy = f"node -e {shlex.quote(script('stage-npm-files.js'))} ../files.json ../../out . ''"
    done = bash(f"{npm}{lines}\n{packed}\n{copy}", top / "packages/addon", home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(each.name for each in (top / "out").iterdir()) == ["index.js", "package.json"]
