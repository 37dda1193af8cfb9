"""Which manager installs a package's dependencies, in which directory and by which lock file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from generator.errors import InputError
from generator.npm.files import RepositoryFiles
from generator.npm.projects import NpmProject, npm_project

CLASSIC = '# yarn lockfile v1\n\nx@^1:\n  version "1.0.0"\n'
LATER = "# generated\n\n__metadata:\n  version: {}\n"
PNPM = "lockfileVersion: '{}'\n"
LINKER = "nodeLinker: node-modules\n"


def files_of(texts: Mapping[str, Any]) -> RepositoryFiles:
    written = {path: each if isinstance(each, str) else json.dumps(each) for path, each in texts.items()}
    return RepositoryFiles(frozenset(written), written.__getitem__)


def project(texts: Mapping[str, Any], package: str = "addon") -> NpmProject:
    return npm_project(package, files_of(texts))


def chosen(texts: Mapping[str, Any], package: str = "addon") -> str:
    found = project(texts, package)
    version = f"@{found.program.version}" if found.program else ""
    return f"{found.manager}{version} {found.directory}/{found.lock}"


@pytest.mark.parametrize(
    ("lock", "text", "manager"),
    [
        ("package-lock.json", "{}", "npm"),
        ("npm-shrinkwrap.json", "{}", "npm"),
        ("yarn.lock", CLASSIC, "yarn-classic@1.22.22"),
        ("yarn.lock", LATER.format(6), "yarn@3"),
        ("yarn.lock", LATER.format(8), "yarn@4.9.4"),
        ("yarn.lock", LATER.format(10), "yarn@4.18.1"),
        ("yarn.lock", LATER.format(8).replace("\n", "\r\n"), "yarn@4"),
        ("yarn.lock", LATER.format(99), "yarn@4"),
        ("pnpm-lock.yaml", PNPM.format("6.0"), "pnpm@8"),
        ("pnpm-lock.yaml", PNPM.format("9.0"), "pnpm@10"),
        ("pnpm-lock.yaml", PNPM.format("12.0"), "pnpm@10"),
    ],
)
def test_a_lock_file_decides_by_its_name_and_its_format(lock: str, text: str, manager: str) -> None:
    found = chosen({"addon/package.json": {}, f"addon/{lock}": text})
    assert found.startswith(manager)
    assert found.endswith(f" addon/{lock}")


LOCKS = {
    "addon/package-lock.json": "{}",
    "addon/yarn.lock": CLASSIC,
    "addon/pnpm-lock.yaml": PNPM.format("9.0"),
}


@pytest.mark.parametrize(
    ("package", "manager"),
    [
        ({}, "npm addon/package-lock.json"),
        ({"packageManager": "npm@11.0.0"}, "npm addon/package-lock.json"),
        ({"packageManager": "pnpm@9.15.4"}, "pnpm@9.15.4 addon/pnpm-lock.yaml"),
        ({"packageManager": "pnpm@9.15.4+sha1." + "ab" * 20}, "pnpm@9.15.4 addon/pnpm-lock.yaml"),
        ({"packageManager": "yarn@1.22.19"}, "yarn-classic@1.22.19 addon/yarn.lock"),
        ({"packageManager": "yarn@4.5.0-rc.1"}, "yarn@4.5.0-rc.1 addon/yarn.lock"),
        ({"packageManager": "yarn"}, "yarn-classic@1.22.22 addon/yarn.lock"),
        ({"packageManager": "bun@1.2.0"}, "npm addon/package-lock.json"),
        ({"packageManager": 3}, "npm addon/package-lock.json"),
        ({"devEngines": {"packageManager": {"name": "pnpm", "version": ">=9"}}}, "pnpm@10.34.8 addon/pnpm-lock.yaml"),
        (
            {"devEngines": {"packageManager": [{"name": "yarn", "version": "1.22.18"}]}},
            "yarn-classic@1.22.18 addon/yarn.lock",
        ),
    ],
)
def test_package_json_decides_between_several(package: dict[str, Any], manager: str) -> None:
    assert chosen({"addon/package.json": package, **LOCKS}) == manager


def test_the_lock_file_decides_where_that_of_the_named_manager_is_missing() -> None:
    texts = {"addon/package.json": {"packageManager": "pnpm@9.0.0"}, "addon/package-lock.json": "{}"}
    assert chosen(texts) == "npm addon/package-lock.json"


@pytest.mark.parametrize(
    ("more", "manager"),
    [
        ({}, "npm addon/None"),
        ({"addon/package.json": {"packageManager": "yarn@4.1.0"}}, "yarn@4.1.0 addon/None"),
        ({"addon/pnpm-workspace.yaml": "catalog: {}\n"}, "pnpm@10.34.8 addon/None"),
        ({"addon/.yarnrc.yml": LINKER}, "yarn@4.18.1 addon/None"),
    ],
)
def test_without_a_lock_file_a_note_says_so(more: dict[str, Any], manager: str) -> None:
    texts = {"addon/package.json": {}, **more}
    assert chosen(texts) == manager
    assert "has no lock file, so " in project(texts).notes[0]


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ("pnpm@7.33.7", 'addon/package.json names "pnpm@7.33.7": pnpm 8 or newer is needed'),
        (
            "pnpm@9.1.0+sha512.xyz",
            'addon/package.json names "pnpm@9.1.0+sha512.xyz": its hash is not ALGORITHM.HEX, as Corepack writes it',
        ),
        ("yarn@2.4.3", 'addon/package.json names "yarn@2.4.3": yarn 1 or 3 or newer is needed'),
    ],
)
def test_a_manager_that_is_too_old_is_an_error(field: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        project({"addon/package.json": {"packageManager": field}})
    assert str(caught.value.message) == sentence


def test_the_digest_in_package_json_is_that_of_the_program() -> None:
    digest = f"sha512.{'0f' * 64}"
    for field, of in ((f"pnpm@10.1.0+{digest}", "archive"), (f"yarn@4.1.0+{digest}", "program")):
        program = project({"addon/package.json": {"packageManager": field}}).program
        assert program is not None
        assert (program.digest, program.digest_of) == (digest, of)


def test_yarns_own_settings_name_its_version() -> None:
    texts = {"addon/package.json": {}, "addon/yarn.lock": LATER.format(8)}
    release = "nodeLinker: node-modules\nyarnPath: .yarn/releases/yarn-4.3.1.cjs\n"
    assert chosen({**texts, "addon/.yarnrc.yml": release}) == "yarn@4.3.1 addon/yarn.lock"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [(None, True), ("", True), ("nodeLinker: pnp\n", True), (LINKER, False), ("nodeLinker: pnpm", False)],
)
def test_plug_and_play_is_what_yarn_does_by_itself(settings: str | None, expected: bool) -> None:
    texts = {"addon/package.json": {}, "addon/yarn.lock": LATER.format(8)}
    found = project(texts if settings is None else {**texts, "addon/.yarnrc.yml": settings})
    assert (found.plug_and_play, len(found.notes)) == (expected, int(expected))


WORKSPACE = {
    "package.json": {"workspaces": ["packages/*", "!packages/old"]},
    "packages/addon/package.json": {"name": "@demo/addon"},
    "packages/other/package.json": {"name": "@demo/other"},
    "packages/old/package.json": {},
    "elsewhere/package.json": {},
    "packages/addon/node_modules/x/package.json": {},
}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"yarn.lock": LATER.format(8)}, "yarn@4.9.4 ./yarn.lock"),
        ({"package-lock.json": "{}"}, "npm ./package-lock.json"),
        ({"package-lock.json": "{}", "packages/addon/package-lock.json": "{}"}, "npm ./package-lock.json"),
        ({"packages/addon/package-lock.json": "{}"}, "npm packages/addon/package-lock.json"),
        ({}, "npm ./None"),
        ({"package.json": {"workspaces": {"packages": ["packages/**"]}}, "yarn.lock": CLASSIC}, "yarn-classic@1.22.22 ./yarn.lock"),
        ({"package.json": {"workspaces": ["{a,packages}/*"]}, "yarn.lock": CLASSIC}, "yarn-classic@1.22.22 ./yarn.lock"),
        ({"package.json": {}, "pnpm-workspace.yaml": "packages: ['packages/*']\n", "pnpm-lock.yaml": PNPM.format("9.0")},
         "pnpm@10.34.8 ./pnpm-lock.yaml"),
        ({"package.json": {"workspaces": ["crates/*"]}, "package-lock.json": "{}"}, "npm ./package-lock.json"),
        ({"package.json": {}, "packages/addon/package.json": {"dependencies": {"x": "1"}}, "package-lock.json": "{}"},
         "npm packages/addon/None"),
        ({"package.json": {"workspaces": ["!packages/addon", "other"]}, "yarn.lock": CLASSIC,
          "packages/addon/package.json": {"dependencies": {"x": "1"}}}, "npm packages/addon/None"),
    ],
)  # fmt: skip
def test_a_member_is_installed_from_the_root_of_its_workspace(more: dict[str, Any], expected: str) -> None:
    assert chosen({**WORKSPACE, **more}, "packages/addon") == expected


def test_the_members_are_those_of_the_patterns() -> None:
    found = project({**WORKSPACE, "package-lock.json": "{}"}, "packages/addon")
    assert found.members == ("packages/other",)
    assert found.directories == ("packages/addon", ".", "packages/other")


def test_a_workspace_that_is_the_addon_itself() -> None:
    texts = {"package.json": {"workspaces": ["packages/*"]}, "packages/x/package.json": {}, "yarn.lock": CLASSIC}
    found = project(texts, ".")
    assert (found.directory, found.members) == (".", ("packages/x",))


def test_hostile_values_decide_nothing() -> None:
    digits = "9" * 5_000
    fields: list[Any] = [f"pnpm@{digits}", f"yarn@{digits}.0.0", {"a": []}, ["pnpm@9.0.0"]]
    for field in fields:
        package = {"packageManager": field, "name": [1], "devEngines": {"packageManager": []}}
        assert project({"addon/package.json": package}).directory == "addon"
    texts: dict[str, Any] = {
        "package.json": {"workspaces": ["*", 3]},
        "other/package.json": {"name": {"x": 1}},
        "addon/package.json": {},
        "pnpm-lock.yaml": f"lockfileVersion: {digits}\n",
    }
    assert project(texts).program is not None


@pytest.mark.parametrize("text", ["{", "[1]", "", "[" * 1_000, "null"])
@pytest.mark.parametrize("name", ["package.json", "pnpm-workspace.yaml", ".yarnrc.yml"])
def test_a_broken_file_decides_nothing(name: str, text: str) -> None:
    assert project({"addon/package.json": {}, f"addon/{name}": text}).directory == "addon"


def test_the_sentence_names_manager_version_and_lock_file() -> None:
    texts = {"addon/package.json": {}, "addon/pnpm-lock.yaml": PNPM.format("9.0")}
    assert project(texts).sentence == "pnpm 10.34.8 installs its npm packages by addon/pnpm-lock.yaml"
    assert project({"addon/package.json": {}}).sentence == "npm installs its npm packages without a lock file"


def test_a_workspace_with_very_many_patterns_is_refused() -> None:
    texts = {"package.json": {"workspaces": [f"packages/{number}*" for number in range(101)]}, "addon/package.json": {}}
    with pytest.raises(InputError, match="more than 100 patterns"):
        project(texts)
