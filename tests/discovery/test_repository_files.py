"""The files that discovery reads and skips: git, build output, links, invalid and hostile files."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from generator.discovery import Discovery, discover
from generator.discovery.files import list_files
from generator.errors import InputError
from generator.processes import output

Plant = Callable[[Mapping[str, str]], Path]

LIBRARY = '[package]\nname = "{}"\nversion = "1.0.0"\n'


def library(directory: str, name: str) -> dict[str, str]:
    return {f"{directory}/Cargo.toml": LIBRARY.format(name), f"{directory}/src/lib.rs": ""}


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
    output(["git", *identity, *arguments], timeout=600, cwd=root)


def names(discovery: Discovery) -> list[str]:
    return [each.name for each in discovery.crates]


def why(discovery: Discovery) -> dict[str, str]:
    return {each.path: each.reason for each in discovery.skipped}


def test_build_output_hidden_and_vendored_directories_are_passed_over(plant: Plant) -> None:
    root = plant(
        library("a", "a")
        | library("target/package/b", "b")
        | library("web/node_modules/c", "c")
        | library(".hidden/d", "d")
        | library("vendor/e", "e")
        | {"vendor/e/.cargo-checksum.json": "{}"}
        | library("vendor/e/nested", "nested")
        | library("vendor/f", "f")
    )
    expected = ["a", "f"]
    assert names(discover(root)) == expected
    git(root, "init", "--quiet")
    git(root, "add", "--force", ".")
    assert names(discover(root)) == expected


def test_git_decides_what_belongs_to_the_repository(plant: Plant) -> None:
    root = plant(
        library("tracked", "tracked")
        | library("untracked", "untracked")
        | library("ignored", "ignored")
        | library("deleted", "deleted")
        | {".gitignore": "/ignored\n"}
    )
    git(root, "init", "--quiet")
    git(root, "add", "tracked", "deleted", ".gitignore")
    git(root, "commit", "--quiet", "--message", "first")
    (root / "deleted/Cargo.toml").unlink()
    discovery = discover(root)
    assert names(discovery) == ["tracked", "untracked"]
    assert discovery.skipped == ()


def test_a_directory_of_a_checkout_is_looked_at_alone(plant: Plant) -> None:
    root = plant(library("sub/a", "a") | library("b", "b"))
    git(root, "init", "--quiet")
    git(root, "add", ".")
    discovery = discover(root / "sub")
    assert [(each.name, each.path) for each in discovery.crates] == [("a", "a")]


def test_a_directory_that_git_ignores_is_walked_when_it_is_the_root(plant: Plant) -> None:
    root = plant(library("out/a", "a") | {".gitignore": "/out\n"})
    git(root, "init", "--quiet")
    assert names(discover(root / "out")) == ["a"]


def test_submodules_are_other_repositories(plant: Plant, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "src").mkdir(parents=True)
    (other / "Cargo.toml").write_text(LIBRARY.format("other"))
    (other / "src/lib.rs").write_text("")
    git(other, "init", "--quiet")
    git(other, "add", ".")
    git(other, "commit", "--quiet", "--message", "first")
    root = plant(library("a", "a"))
    git(root, "init", "--quiet")
    git(root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "other")
    assert names(discover(root)) == ["a"]


@pytest.mark.attack("looking for crates follows no link, opens no pipe and does not hang")
def test_links_are_not_followed(plant: Plant, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "Cargo.toml").write_text(LIBRARY.format("outside"))
    root = plant(library("a", "a") | {"file/src/lib.rs": ""})
    (root / "directory").symlink_to(outside)
    (root / "file/Cargo.toml").symlink_to(outside / "Cargo.toml")
    (root / "loop").symlink_to("loop")
    discovery = discover(root)
    assert names(discovery) == ["a"]
    assert why(discovery) == {"file/Cargo.toml": "it is a symbolic link or lies behind one, and links are not followed"}


def test_a_tracked_directory_that_has_become_a_link_is_not_followed(plant: Plant, tmp_path: Path) -> None:
    root = plant(library("a", "a") | library("b", "b"))
    git(root, "init", "--quiet")
    git(root, "add", ".")
    (root / "b").rename(tmp_path / "moved")
    (root / "b").symlink_to(tmp_path / "moved")
    discovery = discover(root)
    assert names(discovery) == ["a"]
    assert why(discovery) == {"b/Cargo.toml": "it is a symbolic link or lies behind one, and links are not followed"}


def test_the_root_itself_may_be_reached_by_a_link(plant: Plant, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(plant(library("a", "a")))
    assert names(discover(tmp_path / "link")) == ["a"]


@pytest.mark.attack("looking for crates follows no link, opens no pipe and does not hang")
def test_a_pipe_is_not_opened(plant: Plant) -> None:
    root = plant(library("a", "a") | {"pipe/src/lib.rs": ""})
    os.mkfifo(root / "pipe/Cargo.toml")
    assert why(discover(root)) == {"pipe/Cargo.toml": "it is not a regular file"}


BROKEN_TOML = {
    "syntax": ('[package]\nname = "x"\nversion = \n', "line 3: it is not valid TOML: Invalid value"),
    "twice": ('[package]\nname = "x"\nname = "y"', "line 3: it is not valid TOML: Cannot overwrite a value"),
    "depth": ("a = " + "[" * 100_000, "it is nested too deeply"),
    "number": ("a = " + "1" * 5_000, "it is not valid TOML: Exceeds the limit"),
    "dots": ("\n" + "a." * 100_000 + "a = 1", "line 2: it has more than 500 dots"),
    "size": ("#" * (1024 * 1024 + 1), "it is larger than 1 MiB"),
    "neither": ("[dependencies]\n", "it has neither [package] nor [workspace]"),
    "no name": ("[package]\n", "package.name: Field required"),
    "type": ('[package]\nname = "x"\n[features]\na = 1\n', "features.a: Input should be a valid list"),
    "version": ('[package]\nname = "x"\nversion = 1\n', "package.version.str: Input should be a valid string"),
    "escapes": ('[package]\nname = "x"\n[features]\n"\\u001b[31m" = 1\n', "features.\\x1b[31m: Input should be"),
}


@pytest.mark.parametrize(("text", "sentence"), BROKEN_TOML.values(), ids=BROKEN_TOML)
def test_a_broken_cargo_toml_is_skipped_with_its_line(plant: Plant, text: str, sentence: str) -> None:
    discovery = discover(plant(library("a", "a") | {"bad/Cargo.toml": text, "bad/src/lib.rs": ""}))
    assert names(discovery) == ["a"]
    assert list(why(discovery)) == ["bad/Cargo.toml"]
    assert why(discovery)["bad/Cargo.toml"].startswith(sentence)


BROKEN_JSON = {
    "syntax": ('{\n  "name": "x",\n}', "line 3: it is not valid JSON: "),
    "depth": ("[" * 100_000, "it is nested too deeply"),
    "number": ('{"a": ' + "1" * 5_000 + "}", "it is not valid JSON: Exceeds the limit"),
    "list": ("[]", "the whole file: Input should be a valid dictionary"),
    "napi": ('{"napi": true}', "napi: Input should be a valid dictionary"),
    "size": (" " * (1024 * 1024 + 1), "it is larger than 1 MiB"),
}


@pytest.mark.parametrize(("text", "sentence"), BROKEN_JSON.values(), ids=BROKEN_JSON)
def test_a_broken_package_json_is_skipped_and_its_crate_is_not(plant: Plant, text: str, sentence: str) -> None:
    discovery = discover(plant(library("a", "a") | {"a/package.json": text}))
    assert names(discovery) == ["a"]
    assert list(why(discovery)) == ["a/package.json"]
    assert why(discovery)["a/package.json"].startswith(sentence)


def test_text_that_is_not_utf_8_says_its_line(plant: Plant) -> None:
    root = plant({"src/lib.rs": ""})
    (root / "Cargo.toml").write_bytes(b'[package]\nname = "x"\n# \xff\n')
    assert why(discover(root)) == {"Cargo.toml": "line 3: it is not UTF-8 text"}


def test_a_byte_order_mark_is_no_error(plant: Plant) -> None:
    root = plant({"src/lib.rs": ""})
    (root / "Cargo.toml").write_bytes(b"\xef\xbb\xbf" + LIBRARY.format("x").encode())
    assert names(discover(root)) == ["x"]


def test_a_name_that_is_not_text_is_shown_escaped(plant: Plant) -> None:
    root = plant(library("a", "a"))
    directory = root / os.fsdecode(b"bad\xff\n")
    directory.mkdir()
    (directory / "Cargo.toml").write_text(LIBRARY.format("bad"))
    (directory / "src").mkdir()
    (directory / "src/lib.rs").write_text("")
    assert list(why(discover(root))) == ["bad\\udcff\\n/Cargo.toml"]


def test_directories_without_end_are_not_walked(plant: Plant) -> None:
    root = plant(library("a", "a") | library("/".join("d" * 70), "deep"))
    assert names(discover(root)) == ["a"]


@pytest.mark.attack("looking for crates follows no link, opens no pipe and does not hang")
def test_a_hostile_pattern_is_answered_at_once(plant: Plant) -> None:
    pattern = "**/*/" * 40_000 + "x"
    members = f'[workspace]\nmembers = ["{pattern}", "{"**/" * 60_000}x"]\n'
    root = plant({"Cargo.toml": members} | library("/".join("d" * 60), "deep"))
    assert names(discover(root)) == []


def test_the_listing_is_sorted_and_holds_only_what_matters(plant: Plant) -> None:
    root = plant({"b/Cargo.toml": "", "a/package.json": "", "a/src/lib.rs": "", "README.md": "", "a/index.js": ""})
    assert list_files(root) == ("a/package.json", "a/src/lib.rs", "b/Cargo.toml")


def test_a_root_that_is_no_directory_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a directory"):
        discover(tmp_path / "nowhere")


def test_too_many_crates_are_an_input_error(plant: Plant) -> None:
    root = plant({})
    for index in range(10_001):
        (root / str(index)).mkdir()
        (root / str(index) / "Cargo.toml").touch()
    with pytest.raises(InputError, match=r"more than 10,000 Cargo\.toml files"):
        discover(root)
