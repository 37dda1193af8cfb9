"""package.json as pnpm and yarn publish it."""

from __future__ import annotations

from typing import Any

import pytest

from generator.npm.projects import npm_project
from generator.npm.published import merged_package_json
from tests.npm.test_projects import files_of

ROOT = {
    "name": "root",
    "workspaces": ["packages/*"],
    "devDependencies": {"napi": "catalog:", "@demo/tool": "workspace:*"},
}
TEXTS: dict[str, Any] = {
    "package.json": ROOT,
    "packages/tool/package.json": {"name": "@demo/tool", "version": "2.3.4"},
    "pnpm-workspace.yaml": "packages: ['packages/*']\ncatalog:\n  napi: ^3.1.0\ncatalogs:\n  old:\n    napi: ^2.0.0\n",
    "pnpm-lock.yaml": "lockfileVersion: '9.0'\n",
}


def published(package: dict[str, Any], **more: Any) -> dict[str, Any]:
    files = files_of({**TEXTS, **more, "packages/addon/package.json": package})
    return merged_package_json(npm_project("packages/addon", files), files)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("workspace:*", "2.3.4"), ("workspace:^", "^2.3.4"), ("workspace:~", "~2.3.4"), ("workspace:^2.0.0", "^2.0.0"),
        ("workspace:../tool", "2.3.4"), ("^2.0.0", "^2.0.0"), ("file:../tool", "file:../tool"),
    ],
)  # fmt: skip
def test_a_members_version_replaces_workspace(written: str, expected: str) -> None:
    assert published({"dependencies": {"@demo/tool": written}})["dependencies"] == {"@demo/tool": expected}


def test_an_alias_keeps_the_members_name() -> None:
    found = published({"dependencies": {"tool": "workspace:@demo/tool@^"}})
    assert found["dependencies"] == {"tool": "npm:@demo/tool@^2.3.4"}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("catalog:", "^3.1.0"),
        ("catalog:default", "^3.1.0"),
        ("catalog:old", "^2.0.0"),
        ("catalog:lost", "catalog:lost"),
    ],
)
def test_a_catalogs_version_replaces_catalog(written: str, expected: str) -> None:
    assert published({"peerDependencies": {"napi": written}})["peerDependencies"] == {"napi": expected}


@pytest.mark.parametrize("written", ["catalog:", "catalog:default"])
def test_the_default_catalog_may_be_one_of_the_named_ones(written: str) -> None:
    settings = {"pnpm-workspace.yaml": "packages: ['packages/*']\ncatalogs:\n  default:\n    napi: ^3.3.0\n"}
    assert published({"dependencies": {"napi": written}}, **settings)["dependencies"] == {"napi": "^3.3.0"}


@pytest.mark.parametrize(("written", "expected"), [("catalog:", "^3.2.0"), ("catalog:default", "^2.0.0")])
def test_yarns_catalog_named_default_is_another_one(written: str, expected: str) -> None:
    catalogs = "catalog:\n  napi: ^3.2.0\ncatalogs:\n  default:\n    napi: ^2.0.0\n"
    rc = {".yarnrc.yml": catalogs, "pnpm-workspace.yaml": "packages: ['packages/*']\n"}
    assert published({"dependencies": {"napi": written}}, **rc)["dependencies"] == {"napi": expected}


def test_yarn_has_catalogs_too() -> None:
    rc = {".yarnrc.yml": "catalog:\n  napi: ^3.2.0\n", "pnpm-workspace.yaml": "packages: ['packages/*']\n"}
    assert published({"dependencies": {"napi": "catalog:"}}, **rc)["dependencies"] == {"napi": "^3.2.0"}


def test_the_roots_dependencies_are_there_for_development() -> None:
    found = published({"name": "@demo/addon", "dependencies": {"napi": "1.0.0"}, "devDependencies": {"x": "1"}})
    assert found["devDependencies"] == {"@demo/tool": "2.3.4", "x": "1"}
    assert found["dependencies"] == {"napi": "1.0.0"}


def test_a_package_without_a_workspace_stays_as_it_is() -> None:
    package = {"name": "@demo/x", "dependencies": {"y": "^1"}, "devDependencies": {"z": 3}, "files": ["a"]}
    files = files_of({"x/package.json": package})
    assert merged_package_json(npm_project("x", files), files) == package
