"""The manifest that a command takes without --manifest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from generator.manifest.finding import find_manifest


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    """Return a directory three levels below one that is a repository's top or not."""
    deep = tmp_path / "top/a/b/c"
    deep.mkdir(parents=True)
    return deep


@pytest.mark.parametrize("repository", [True, False])
@pytest.mark.parametrize("name", ["crates.json", "crates.yaml", "crates.yml"])
@pytest.mark.parametrize(("up", "place"), [("", "."), ("../", "b"), ("../../../", "top")])
def test_it_is_found_from_each_directory_below(
    tmp_path: Path, deep: Path, repository: bool, name: str, up: str, place: str
) -> None:
    if repository:
        (tmp_path / "top/.git").mkdir()
    (deep / up / name).write_text("{}")
    found = find_manifest(deep)
    assert found == Path(f"{up}{name}"), place
    assert (deep / found).is_file()


def test_the_nearest_one_counts_and_json_before_yaml(tmp_path: Path, deep: Path) -> None:
    for name in ("top/crates.json", "top/a/crates.yaml", "top/a/crates.json"):
        (tmp_path / name).write_text("{}")
    assert find_manifest(deep) == Path("../../crates.json")


def test_without_one_it_is_a_new_file_here(deep: Path) -> None:
    assert find_manifest(deep) == Path("crates.json")


@pytest.mark.parametrize("mark", ["directory", "file"])
def test_nothing_is_found_above_the_top_of_the_repository(tmp_path: Path, deep: Path, mark: str) -> None:
    (tmp_path / "crates.json").write_text("{}")
    if mark == "directory":
        (tmp_path / "top/.git").mkdir()
    else:  # of a worktree or a submodule
        (tmp_path / "top/.git").write_text("gitdir: elsewhere\n")
    assert find_manifest(deep) == Path("crates.json")


def test_a_directory_for_everybody_is_not_searched(tmp_path: Path, deep: Path) -> None:
    (tmp_path / "top/crates.json").write_text("{}")
    (tmp_path / "top").chmod(0o1777)
    assert find_manifest(deep) == Path("crates.json")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a directory of another user")
def test_a_directory_of_another_user_is_not_searched(tmp_path: Path, deep: Path) -> None:
    (tmp_path / "top/crates.json").write_text("{}")
    os.chown(tmp_path / "top", 12345, 12345)
    assert find_manifest(deep) == Path("crates.json")
