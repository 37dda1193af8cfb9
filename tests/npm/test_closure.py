"""The files of a workspace that enter an addon's sandbox."""

from __future__ import annotations

from typing import Any

from generator.npm.closure import npm_closure
from tests.npm.test_projects import files_of

TEXTS: dict[str, Any] = {
    "package.json": {"workspaces": ["packages/*", "addon"], "dependencies": {"@demo/shared": "^1"}},
    "yarn.lock": "__metadata:\n  version: 8\n",
    "package-lock.json": "{}",
    ".yarnrc.yml": "nodeLinker: node-modules\n",
    ".yarn/releases/yarn-4.0.0.cjs": "",
    ".yarn/patches/x.patch": "",
    "tsconfig.json": "{}",
    "addon/package.json": {
        "packageManager": "yarn@4.1.0",
        "devDependencies": {"@demo/tool": "workspace:*", "x": "file:../vendor/x"},
    },
    "addon/yarn.lock": "",
    "packages/tool/package.json": {"name": "@demo/tool", "dependencies": {"@demo/deep": "*"}},
    "packages/tool/index.js": "",
    "packages/deep/package.json": {"name": "@demo/deep", "dependencies": {"@demo/tool": "*"}},
    "packages/deep/index.js": "",
    "packages/shared/package.json": {"name": "@demo/shared"},
    "packages/site/package.json": {"name": "@demo/site"},
    "packages/site/index.js": "",
    "vendor/x/package.json": {"name": "x"},
}


def test_a_member_brings_the_workspace_and_what_it_depends_on() -> None:
    closure = npm_closure("addon", files_of(TEXTS))
    entering = {path for path in TEXTS if closure.decides(path)}
    assert entering == {
        "package.json", "yarn.lock", ".yarnrc.yml", ".yarn/patches/x.patch", "addon/package.json",
        "packages/tool/package.json", "packages/tool/index.js", "packages/deep/package.json", "packages/deep/index.js",
        "packages/shared/package.json", "packages/site/package.json", "vendor/x/package.json",
    }  # fmt: skip


def test_a_lock_file_that_the_manager_does_not_read_stays_out() -> None:
    closure = npm_closure("addon", files_of(TEXTS))
    assert {path for path in TEXTS if closure.decides(path) is False} == {"package-lock.json", "addon/yarn.lock"}
    assert closure.decides("addon/fixtures/yarn.lock") is None


def test_pnpms_patches_come_along() -> None:
    texts = {
        "package.json": {"pnpm": {"patchedDependencies": {"x@1.0.0": "patches/x.patch"}}},
        "pnpm-workspace.yaml": "packages: [addon]\npatchedDependencies:\n  y: patches/y.patch\n  z: ../z.patch\n",
        "pnpm-lock.yaml": "lockfileVersion: '9.0'\n",
        "addon/package.json": {},
    }
    closure = npm_closure("addon", files_of(texts))
    assert [each for each in ("patches/x.patch", "patches/y.patch", "patches/w.patch") if closure.decides(each)] == [
        "patches/x.patch", "patches/y.patch",
    ]  # fmt: skip
