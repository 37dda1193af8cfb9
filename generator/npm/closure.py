"""The files of a repository, apart from a crate's own, that installing and building an npm package needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from generator.cargo.directories import is_within, resolve_path
from generator.npm.files import LOCK_FILES, PACKAGE_JSON, PNPM_WORKSPACE, YARNRC, RepositoryFiles, join, strings, table
from generator.npm.projects import NpmProject, npm_project
from generator.npm.workspaces import needed_members

# Directories with yarn's patches and plugins.
_YARN_DIRECTORIES: Final = (".yarn/patches", ".yarn/plugins")


@dataclass(frozen=True)
class NpmClosure:
    """Files that enter the sandbox of an addon: `files`, and all in `directories`; `unread` are lock files that do not.

    `package` is the directory of its package.json. An empty closure is that of a crate without npm packages.
    """

    package: str | None = None
    files: frozenset[str] = frozenset()
    directories: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()

    def decides(self, path: str) -> bool | None:
        """Return whether a file enters the sandbox, or None if only Cargo's rules say so."""
        if path in self.unread:
            return False
        if path in self.files or any(is_within(path, each) for each in self.directories):
            return True
        return None


def npm_closure(package: str, files: RepositoryFiles) -> NpmClosure:
    """Return the closure of the package.json in a directory; InputError as from `npm_project`."""
    project = npm_project(package, files)
    root = project.directory
    names = (PACKAGE_JSON, PNPM_WORKSPACE, YARNRC, ".npmrc", ".yarnrc", *([project.lock] if project.lock else ()))
    chosen = {join(root, name) for name in names} | {join(each, PACKAGE_JSON) for each in project.directories}
    unread = ({join(each, name) for each in {root, package} for name in LOCK_FILES} - chosen) & files.paths
    directories = {*needed_members({root, package}, root, files), *(join(root, each) for each in _YARN_DIRECTORIES)}
    return NpmClosure(
        package,
        frozenset(chosen | _patches(project, files)),
        frozenset(directories - {root, package}),
        frozenset(unread),
    )


def _patches(project: NpmProject, files: RepositoryFiles) -> set[str]:
    """Return the files by which pnpm patches packages."""
    root = project.directory
    own, shared = table(files.package_json(root), "pnpm"), files.settings(root, PNPM_WORKSPACE)
    named = {**strings(own, "patchedDependencies"), **strings(shared, "patchedDependencies")}
    return {path for each in named.values() if (path := resolve_path(root, each)) is not None}
