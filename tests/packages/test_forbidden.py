"""Forbidden files, scripts and commands of packages, and the behaviour of npm with the packed result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from generator.errors import Unbuildable
from generator.packages.tarball import PackedFile, package_json, write_tarball
from tests.installing import install, scripts_run, unchecked
from tests.packages.bare import DECLARED, addon, packed
from tests.packages.conftest import package_json as read_package_json

EVENTS = ("preinstall", "install", "postinstall", "prepare")


def test_scripts_that_npm_would_run_are_noticed_by_these_tests(tmp_path: Path) -> None:
    made: dict[str, dict[str, Any]] = {
        **{event: {"scripts": {event: "touch it"}} for event in EVENTS[:3]},
        "bin": {"bin": {"x": "x.js"}},
        "false": {"gypfile": False},
        "gyp": {},
        "none": {"scripts": {"start": "x"}},
    }
    for name, more in made.items():
        files = {"binding.gyp": ""} if name in ("gyp", "false") else {"server.js": "", "x.js": ""}
        unchecked(tmp_path / f"{name}.tgz", {"name": name, "version": "1.0.0", **more}, files)
    (tmp_path / "app").mkdir()
    ran = scripts_run(tmp_path / "app", "--offline", *(tmp_path / f"{name}.tgz" for name in made))
    assert ran == [
        "gyp install: node-gyp rebuild",
        "install install: touch it",
        "postinstall postinstall: touch it",
        "preinstall preinstall: touch it",
    ]


@pytest.mark.attack("npm runs no script when it installs a package", entry="H2")
def test_of_a_hostile_addon_npm_runs_nothing_and_links_only_what_may_be(tmp_path: Path) -> None:
    hostile: dict[str, Any] = {
        "scripts": {
            **dict.fromkeys(EVENTS, "touch it"),
            "dependencies": "x",
            "__proto__": {"install": "x"},
            "a": ["x"],
        },
        "__proto__": {"scripts": {"install": "touch it"}, "bin": {"node": "cli.js"}},
        "_hasShrinkwrap": True,
        "hasInstallScript": True,
        "gypfile": True,
        "bin": {"words": "cli.js"},
    }
    archive = packed(tmp_path, {"binding.gyp": "{}", "server.js": ""}, **hostile)
    (tmp_path / "app").mkdir()
    install(tmp_path / "app", "--offline", archive)
    assert [each.name for each in (tmp_path / "app/node_modules/.bin").iterdir()] == ["words"]
    declared = json.loads((tmp_path / "app/node_modules/@demo/words/package.json").read_text())
    assert declared["gypfile"] is False
    assert not {"scripts", "__proto__", "_hasShrinkwrap", "hasInstallScript"} & declared.keys()


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("BINDING.GYP", "npm would run node-gyp"),
        ("other.gyp", "npm would run node-gyp"),
        ("npm-shrinkwrap.json", "npm would install the packages that it names"),
        ("NPM-Shrinkwrap.JSON", "npm would install the packages that it names"),
        ("node_modules/x/package.json", "npm treats its content as installed packages"),
        ("Node_Modules/x/package.json", "npm treats its content as installed packages"),
        ("dist/.npmrc", "may hold a token"),
        (".Git/config", "its settings may name programs"),
        ("dist/.git", "its settings may name programs"),
        (".hooks/install", "pnpm runs the scripts in it"),
    ],
)
@pytest.mark.attack("no package holds what npm, pnpm, git or Node would act on, in any spelling", entry="H2")
def test_what_no_package_may_hold_is_refused_in_every_spelling(tmp_path: Path, path: str, why: str) -> None:
    with pytest.raises(Unbuildable, match=rf"^'{path}' may not be in a package: .*{why}.*; rename or remove it$"):
        packed(tmp_path, {path: ""})


@pytest.mark.attack("no file of a package takes another's place on some system", entry="H3")
def test_a_file_that_is_another_on_some_system_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        Unbuildable, match=r"'PACKAGE.json' may not be in the package, because it is 'package.json' on some"
    ):
        packed(tmp_path / "a", {"PACKAGE.json": "{}"})
    with pytest.raises(
        Unbuildable, match=r"'words.linux-x64-gnu.node' may not be .* it is 'words.LINUX-x64-gnu.node' on"
    ):
        packed(tmp_path / "b", {"words.LINUX-x64-gnu.node": ""})
    twice = (package_json(DECLARED), PackedFile("a", b"1"), PackedFile("a", b"2"))
    with pytest.raises(Unbuildable, match="'a' may not be in the package, because it is there twice"):
        write_tarball(twice, tmp_path / "x.tgz")
    assert not (tmp_path / "x.tgz").exists()


def test_package_json_of_a_directory_is_a_file_like_any_other(tmp_path: Path) -> None:
    packed(tmp_path, {"esm/package.json": '{"type": "module"}', "esm/node_modules/x.js": "", ".gitignore": ""})


@pytest.mark.parametrize("key", ["bundleDependencies", "bundledDependencies"])
@pytest.mark.parametrize("value", [["x"], True, {"x": "1"}], ids=repr)
@pytest.mark.attack("no package brings other packages along")
def test_no_package_brings_other_packages_along(tmp_path: Path, key: str, value: Any) -> None:
    with pytest.raises(Unbuildable, match="bundles dependencies, whose install scripts would run"):
        packed(tmp_path, **{key: value})


@pytest.mark.attack("npm runs no script when it installs a package", entry="H2")
def test_scripts_are_refused_whoever_wrote_the_package_json(tmp_path: Path) -> None:
    files = (package_json({"name": "x", "version": "1.0.0", "scripts": {"postinstall": "x"}}),)
    with pytest.raises(Unbuildable, match="has the script postinstall, which npm would run on the user's machine"):
        write_tarball(files, tmp_path / "x.tgz")


@pytest.mark.parametrize(
    ("commands", "why"),
    [
        *(({name: "cli.js"}, "would shadow the user's own") for name in ("node", "NPM", "sh", "git")),
        *(
            ({name: "cli.js"}, "is not a valid command name")
            for name in (
                "../../x",
                "C:\\x",
                "a/b",
                "@x/y",
                "con",
                "x.",
                "",
                ".x",
                "a b",
                "é",
                "-x",
                "a.cmd",
                "node.EXE",
            )
        ),
        ({"a": "cli.js", "A": "cli.js"}, "the commands a and A are equal on some systems"),
        *(
            ({"words": target}, "as its command words, but the build did not create it")
            for target in ("lost.js", "../cli.js", "/cli.js", "", 7, None, ["cli.js"])
        ),
        ("lost.js", "as its command words, but the build did not create it"),
        (["node"], "would shadow"),
        (["bin/lost.js"], "as its command lost.js, but the build did not create it"),
    ],
    ids=repr,
)
@pytest.mark.attack("no package brings a command called node, npm or ../../x", entry="W15")
def test_a_command_that_would_not_be_the_packages_own_is_refused(tmp_path: Path, commands: object, why: str) -> None:
    with pytest.raises(Unbuildable, match=why):
        packed(tmp_path, bin=commands)


@pytest.mark.parametrize("commands", ["./cli.js", {"words": "./cli.js"}, {"a_b.c+d-2": "cli.js"}, ["cli.js"], None, ""])
def test_other_commands_are_kept_as_they_are(tmp_path: Path, commands: object) -> None:
    assert read_package_json(addon(tmp_path / "staged", bin=commands))["bin"] == commands
    packed(tmp_path, bin=commands)


@pytest.mark.attack("no package brings a command called node, npm or ../../x", entry="W15")
def test_a_directory_of_commands_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        Unbuildable, match=r"has directories.bin, which makes all files commands: list the commands in bin"
    ):
        packed(tmp_path, directories={"bin": "dist"})
    packed(tmp_path / "other", directories={"test": "test"})
