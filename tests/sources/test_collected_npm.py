"""An addon's npm workspace in the collected source, and the changes of it that count."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from generator.dependencies.files import read_dependency_files
from generator.manifest.reading import load_manifest
from generator.npm.projects import npm_project
from generator.planning.affected import affected
from generator.planning.changes import changes
from generator.sources.collect import SourceLocations, collect
from tests.repositories import crate, git, package, repository
from tests.support import write_files

LOCK = "__metadata:\n  version: 8\n"
FILES = {
    "package.json": json.dumps({"workspaces": ["packages/*"], "packageManager": "yarn@4.5.0"}),
    "yarn.lock": LOCK,
    "package-lock.json": "{}",
    ".yarnrc.yml": "nodeLinker: node-modules\n",
    ".yarn/releases/yarn-4.5.0.cjs": "",
    "packages/addon/package.json": json.dumps({"devDependencies": {"@demo/helper": "workspace:*"}}),
    "packages/addon/Cargo.toml": package("addon", "[workspace]\n"),
    "packages/addon/src/lib.rs": "",
    "packages/addon/pnpm-lock.yaml": "lockfileVersion: '9.0'\n",
    "packages/helper/package.json": json.dumps({"name": "@demo/helper"}),
    "packages/helper/index.js": "",
    "packages/site/package.json": json.dumps({"name": "@demo/site"}),
    "packages/site/index.js": "",
}
ENTERING = {
    ".yarnrc.yml", "package.json", "packages/addon/Cargo.toml", "packages/addon/package.json",
    "packages/addon/src/lib.rs", "packages/helper/index.js", "packages/helper/package.json",
    "packages/site/package.json", "yarn.lock",
}  # fmt: skip


def moved(path: str) -> str:
    """Return the place of a file when the addon's crate lies apart from its package.json."""
    return path.replace("packages/addon/", "rust/") if path.endswith((".toml", ".rs")) else path


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A repository with an addon in a yarn workspace."""
    entry = {"name": "addon", "version": "1.0.0", "kind": "napi", "source": {"path": "packages/addon"}}
    fleet = {"npm_scope": "@demo", "platforms": ["linux-x64-gnu"], "action": "you/cratematrix@v1"}
    manifest = json.dumps({"schema_version": 1, "fleet": fleet, "crates": [entry]})
    top = repository(tmp_path / "repo", {**FILES, "crates.json": manifest})
    git(top, "branch", "--move", "main")
    return top


def test_an_addon_comes_with_its_workspace_and_the_lock_file_of_its_manager(top: Path, tmp_path: Path) -> None:
    archive = tmp_path / "source.tar"
    collect(crate({"path": "packages/addon"}, kind="napi"), SourceLocations(top, ".", tmp_path / "git"), archive)
    with tarfile.open(archive) as tar:
        assert set(tar.getnames()) == ENTERING
    found = npm_project("packages/addon", read_dependency_files(archive).repository_files())
    assert (found.directory, found.lock, found.command) == (".", "yarn.lock", "yarn")


def test_another_kind_of_crate_comes_without(top: Path, tmp_path: Path) -> None:
    archive = tmp_path / "source.tar"
    collect(crate({"path": "packages/addon"}, kind="lib"), SourceLocations(top, ".", tmp_path / "git"), archive)
    with tarfile.open(archive) as tar:
        assert {name for name in tar.getnames() if not name.startswith("packages/addon/")} == set()


def test_so_does_an_addon_whose_crate_is_elsewhere(tmp_path: Path) -> None:
    """Its crate has no package.json, and a lock file beside the crate counts as any other file of it."""
    top = repository(tmp_path / "repo", {**{moved(path): text for path, text in FILES.items()}, "rust/yarn.lock": ""})
    archive, source = tmp_path / "source.tar", {"path": "rust", "package": "packages/addon"}
    found = collect(crate(source, kind="napi"), SourceLocations(top, ".", tmp_path / "git"), archive)
    assert (found.directory, found.package) == ("rust", "packages/addon")
    with tarfile.open(archive) as tar:
        assert set(tar.getnames()) == {moved(path) for path in ENTERING} | {"rust/yarn.lock"}


@pytest.mark.parametrize("path", sorted(FILES))
def test_a_change_counts_exactly_where_the_file_enters(top: Path, path: str) -> None:
    change = "\n" if path.endswith((".json", ".toml", ".lock", ".yml", ".yaml")) else "// changed\n"
    write_files(top, {path: FILES[path] + change})
    git(top, "commit", "--quiet", "--all", "--message", "more")
    manifest = load_manifest(top / "crates.json")
    (reason,) = affected(manifest, changes(manifest, top / "crates.json", "HEAD~1", "local"))
    assert reason.built == (path in ENTERING), reason


def test_a_member_that_the_addon_needs_from_now_on_counts(top: Path) -> None:
    wanted = {"@demo/helper": "workspace:*", "@demo/site": "workspace:*"}
    write_files(top, {"packages/helper/package.json": json.dumps({"name": "@demo/helper", "dependencies": wanted})})
    git(top, "commit", "--quiet", "--all", "--message", "more")
    manifest = load_manifest(top / "crates.json")
    (reason,) = affected(manifest, changes(manifest, top / "crates.json", "HEAD~1", "local"))
    assert reason.built
    assert "packages/" in reason.reason
