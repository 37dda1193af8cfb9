from __future__ import annotations

import os
from pathlib import Path

import pytest

from generator.manifest.crate_models import Crate
from generator.manifest.fleet_models import Fleet
from generator.manifest.models import Manifest
from generator.manifest.path_sources import check_path_sources
from generator.manifest.source_models import PathSource


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The directory of a manifest inside a repository, beside unrelated files."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/Cargo.toml").touch()
    root = tmp_path / "repository/builds"
    root.mkdir(parents=True)
    (root.parent / ".git").mkdir()
    return root


def problems(root: Path, path: str) -> list[str]:
    crate = Crate(name="a", version="1.0.0", kind="bin", source=PathSource(path=path))
    manifest = Manifest(schema_version=1, fleet=Fleet(npm_scope="@s"), crates=(crate,))
    found = check_path_sources(manifest, root)
    assert [each.loc for each in found] == [("crates", 0, "source", "path")] * len(found)
    return [each.sentence for each in found]


def test_a_directory_with_a_cargo_toml(root: Path) -> None:
    (root / "crates/a").mkdir(parents=True)
    (root / "crates/a/Cargo.toml").touch()
    assert problems(root, "crates/a") == []
    assert problems(root, ".") == ['"." has no Cargo.toml; use the directory of the crate']
    (root / "Cargo.toml").touch()
    assert problems(root, ".") == []


def test_a_directory_of_package_json(root: Path) -> None:
    (root / "Cargo.toml").touch()
    (root / "js").mkdir()
    (root / "out").symlink_to("../../outside")
    crate = Crate(name="a", version="1.0.0", kind="napi", source=PathSource(path=".", package="js"))
    manifest = Manifest(schema_version=1, fleet=Fleet(npm_scope="@s"), crates=(crate,))
    (problem,) = check_path_sources(manifest, root)
    assert problem.loc == ("crates", 0, "source", "package")
    assert problem.sentence == '"js" has no package.json; use the directory of the addon\'s npm package'
    (root / "js/package.json").touch()
    assert check_path_sources(manifest, root) == ()
    away = crate.model_copy(update={"source": PathSource(path=".", package="out")})
    (problem,) = check_path_sources(manifest.model_copy(update={"crates": (away,)}), root)
    assert "leads out of the repository" in problem.sentence


def test_missing_directories(root: Path) -> None:
    (root / "file").touch()
    assert problems(root, "none") == ['there is no directory "none" beside the manifest']
    assert problems(root, "file/x") == ['there is no directory "file/x" beside the manifest']
    assert problems(root, "file") == ['"file" is a file; use the directory of Cargo.toml']


def test_a_cargo_toml_is_a_file(root: Path) -> None:
    (root / "a/Cargo.toml").mkdir(parents=True)
    assert problems(root, "a") == ['"a" has no Cargo.toml; use the directory of the crate']


@pytest.mark.attack("no source leads out of the repository")
def test_symbolic_links_may_stay_inside_the_repository_but_not_leave_it(root: Path) -> None:
    (root.parent / "crates").mkdir()
    (root.parent / "crates/Cargo.toml").touch()
    (root / "inside").symlink_to("../crates")
    (root / "out").symlink_to("../../outside")
    (root / "a").mkdir()
    (root / "a/Cargo.toml").symlink_to("../../../outside/Cargo.toml")
    (root / "circle").symlink_to("circle")
    out = "leads out of the repository by a symbolic link; sources must be inside"
    assert problems(root, "inside") == []
    assert problems(root, "out") == [f'"out" {out}']
    assert problems(root, "a") == [f'"a" {out}']
    assert problems(root, "circle") == ['"circle" cannot be read; check its permissions and symbolic links']


def test_without_a_repository_the_manifest_s_directory_is_the_limit(root: Path) -> None:
    (root.parent / "crates").mkdir()
    (root.parent / "crates/Cargo.toml").touch()
    (root / "up").symlink_to("../crates")
    assert problems(root, "up") == []
    (root.parent / ".git").rmdir()
    assert "leads out of the repository" in problems(root, "up")[0]


def test_a_repository_may_be_a_worktree_and_its_path_a_link(root: Path, tmp_path: Path) -> None:
    (root.parent / ".git").rmdir()
    (root.parent / ".git").write_text("gitdir: elsewhere\n")
    (root.parent / "crates").mkdir()
    (root.parent / "crates/Cargo.toml").touch()
    (root / "up").symlink_to("../crates")
    (tmp_path / "link").symlink_to(root)
    assert problems(tmp_path / "link", "up") == []


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_directories_without_permission(root: Path) -> None:
    (root / "a").mkdir(mode=0)
    assert problems(root, "a") == ['"a" cannot be read; check its permissions and symbolic links']
