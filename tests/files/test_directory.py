"""Files below a directory, written and read by file descriptors."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.errors import InputError
from generator.files.directory import Directory

# Each method that takes a name; none may follow a link in it.
METHODS: dict[str, Callable[[Directory, str], object]] = {
    "write": lambda directory, name: directory.write(name, b"new"),
    "create": lambda directory, name: directory.create(name, b"new"),
    "copy": lambda directory, name: directory.copy(Path(__file__), name),
    "log": lambda directory, name: directory.open_log(name).close(),
    "append": lambda directory, name: directory.append(name, "new"),
    "remove": lambda directory, name: directory.remove(name),
    "read": lambda directory, name: directory.read(name, 100),
    "open": lambda directory, name: directory.open(name).close(),
    "check": lambda directory, name: directory.check_file(name),
    "check_room": lambda directory, name: directory.check_writable(name),
    "enter": lambda directory, name: directory.subdirectory(name),
}
READING = ("append", "read", "open", "check", "enter")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory with a file that must stay unchanged."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("old")
    (tmp_path / "base").mkdir()
    return outside


def untouched(outside: Path) -> bool:
    return [each.name for each in outside.iterdir()] == ["file"] and (outside / "file").read_text() == "old"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.attack("no write below a repository follows a link or leads out of it", entry="H1")
def test_a_link_in_the_path_is_not_followed(tmp_path: Path, outside: Path, method: str) -> None:
    (tmp_path / "base/link").symlink_to(outside)
    with Directory.open_trusted(tmp_path / "base") as base:
        for name in ("link/file", "link/new"):
            with pytest.raises(InputError, match="base/link is a symbolic link, and not a directory"):
                METHODS[method](base, name)
    assert untouched(outside)


@pytest.mark.parametrize("target", ["../outside/file", "../outside/new"])
@pytest.mark.parametrize("method", READING)
@pytest.mark.attack("no write below a repository follows a link or leads out of it", entry="H1")
def test_a_link_with_the_name_is_not_followed(tmp_path: Path, outside: Path, method: str, target: str) -> None:
    (tmp_path / "base/link").symlink_to(target)
    with Directory.open_trusted(tmp_path / "base") as base, pytest.raises(InputError, match="link"):
        METHODS[method](base, "link")
    assert untouched(outside)


@pytest.mark.parametrize("method", ["write", "copy", "log", "remove"])
@pytest.mark.attack("no write below a repository follows a link or leads out of it", entry="H1")
def test_what_takes_the_place_of_a_link_leaves_its_target(tmp_path: Path, outside: Path, method: str) -> None:
    (tmp_path / "base/link").symlink_to(outside / "file")
    with Directory.open_trusted(tmp_path / "base") as base:
        METHODS[method](base, "link")
    assert not (tmp_path / "base/link").is_symlink()
    assert untouched(outside)


@pytest.mark.parametrize("method", ["read", "open", "append", "check"])
@pytest.mark.attack("a named pipe in the place of a file holds nothing up")
def test_a_named_pipe_is_refused_and_waited_for_by_nothing(tmp_path: Path, method: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with Directory.open_trusted(tmp_path) as base, pytest.raises(InputError, match="pipe"):
        METHODS[method](base, "pipe")


def test_nothing_is_added_to_a_file_that_has_another_name_too(tmp_path: Path, outside: Path) -> None:
    (tmp_path / "base/log").hardlink_to(outside / "file")
    with (
        Directory.open_trusted(tmp_path / "base") as base,
        pytest.raises(InputError, match="log is not a regular file with one hard link"),
    ):
        base.append("log", "new")
    assert untouched(outside)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["../outside/file", "a/../../outside/file", "/etc/passwd", ".."])
@pytest.mark.attack("no write below a repository follows a link or leads out of it", entry="H1")
def test_no_name_leads_out(tmp_path: Path, outside: Path, method: str, name: str) -> None:
    with Directory.open_trusted(tmp_path / "base") as base, pytest.raises(InputError, match="leads out of"):
        METHODS[method](base, name)
    assert untouched(outside)


@pytest.mark.attack("a directory that is exchanged for a link meanwhile leads nowhere else", entry="H1")
def test_a_directory_that_is_exchanged_meanwhile_is_still_the_one_that_was_opened(
    tmp_path: Path, outside: Path
) -> None:
    with Directory.open_trusted(tmp_path / "base") as base:
        (tmp_path / "base").rename(tmp_path / "moved")
        (tmp_path / "base").symlink_to(outside)
        base.write("deep/file", b"new")
    assert (tmp_path / "moved/deep/file").read_bytes() == b"new"
    assert untouched(outside)


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with Directory.open_trusted(tmp_path) as base:
        base.write("a", b"old")
        with pytest.raises(InputError, match="taken cannot be written: Is a directory"):
            base.write("taken", b"new")
        assert base.create("a", b"new") is False
        assert base.create("b", b"new") is True
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir() if each.is_file()} == {"a": b"old", "b": b"new"}


def test_a_file_keeps_its_mode_and_a_new_one_can_be_read_by_all(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with Directory.open_trusted(tmp_path) as base:
            base.write("new", b"")
            (tmp_path / "old").touch(0o640)
            base.write("old", b"text")
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("new", "old")] == [0o644, 0o600]


def test_no_more_is_read_than_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    with Directory.open_trusted(tmp_path) as base:
        assert (base.read("file", 5), base.read("none", 5), base.read("no/file", 5)) == (b"12345", None, None)
        with pytest.raises(InputError, match="file is larger than"):
            base.read("file", 4)


def test_all_files_are_named_and_no_link_is_followed_for_that(tmp_path: Path, outside: Path) -> None:
    base = tmp_path / "base"
    (base / "a/b").mkdir(parents=True)
    for name in ("z", "a/x", "a/b/y"):
        (base / name).touch()
    (base / "a/link").symlink_to(outside)
    (base / "a/file").symlink_to(outside / "file")
    with Directory.open_trusted(base) as directory:
        assert list(directory.walk_files()) == ["z", "a/file", "a/x", "a/b/y"]
        assert directory.list_names("a") == ("b", "file", "link", "x")
        assert directory.list_names("none") == ()
