"""The closure of a crate in its repository: its path dependencies, and their workspaces."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from generator.cargo.channels import TOOLCHAIN_FILES
from generator.cargo.configuration import DIRECTORY
from generator.cargo.directories import ancestors, is_within, parent, resolve_path
from generator.cargo.manifests import CargoToml, Manifests, manifest_path
from generator.cargo.workspaces import declared_paths, named_members, workspace_root
from generator.errors import InputError
from generator.npm.closure import NpmClosure
from generator.sources.manifests import TreeManifests
from generator.text import message_text


@dataclass(frozen=True)
class Closure:
    """A crate with all its path dependencies, as directories relative to the repository's top.

    `roots` maps the crate and each path dependency to the root of its workspace, or None without a workspace.
    `named_members` are the members that these workspaces name. `npm` is for an addon's npm packages.
    """

    crate: str
    roots: Mapping[str, str | None]
    named_members: frozenset[str]
    npm: NpmClosure = field(default_factory=NpmClosure)

    def holds(self, directory: str) -> bool:
        """Return whether the files of a directory are needed."""
        return directory in self.roots or directory == self.npm.package

    @property
    def workspaces(self) -> tuple[str, ...]:
        """The roots of the workspaces whose Cargo.toml is needed, sorted."""
        return tuple(sorted({root for root in self.roots.values() if root is not None}))

    @property
    def lock_directory(self) -> str:
        """The directory of Cargo.lock: the root of the crate's workspace, or the crate's own directory."""
        root = self.roots[self.crate]
        return self.crate if root is None else root


def dependency_closure(crate: str, manifests: TreeManifests, npm: NpmClosure | None = None) -> Closure:
    """Follow path dependencies, including those of tests; raise InputError when a Cargo.toml is missing or invalid.

    `npm` is the closure of an addon's package.json.
    """
    roots: dict[str, str | None] = {}
    pending = [crate]
    while pending:
        directory = pending.pop()
        if directory not in roots:
            roots[directory] = _root(directory, manifests)
            pending += [_resolve(base, path) for base, path in _declared(directory, crate, roots, manifests)]
            pending += _workspace_pointer(directory, roots[directory], manifests)
    workspaces = {root for root in roots.values() if root is not None}
    members = frozenset(each for root in workspaces for each in named_members(root, manifests))
    return Closure(crate, roots, members, npm or NpmClosure())


def is_read_by_cargo(path: str, closure: Closure) -> bool:
    """Return whether Cargo reads a file itself.

    It reads each workspace's Cargo.toml, the crate's Cargo.lock, and above the crate its own configuration and the Rust
    channel.
    """
    folder, name = parent(path), posixpath.basename(path)
    if name == "Cargo.toml" and folder in closure.roots.values():
        return True
    if name == "Cargo.lock" and folder == closure.lock_directory:
        return True
    if posixpath.basename(folder) == DIRECTORY and is_within(closure.crate, parent(folder)):
        return True
    return name in TOOLCHAIN_FILES and is_within(closure.crate, folder)


def owner(path: str, closure: Closure) -> str | None:
    """Return the directory of the closure that has a file, or None for the file of another crate."""
    around = (parent(path), *ancestors(parent(path)))
    nearest = next((each for each in around if closure.holds(each) or each in closure.named_members), None)
    return nearest if nearest is not None and closure.holds(nearest) else None


def _root(directory: str, manifests: TreeManifests) -> str | None:
    package = _required_manifest(directory, manifests).package
    root = workspace_root(directory, manifests)
    if root is None and package is not None and package.workspace is not None:
        raise InputError(
            f"{message_text(manifest_path(directory))} names the workspace {message_text(package.workspace)}, "
            "which lies outside of the repository"
        )
    if root is not None and _required_manifest(root, manifests).workspace is None:
        top, below = message_text(manifest_path(root)), message_text(manifest_path(directory))
        raise InputError(f"{top} has no [workspace], but {below} belongs to it")
    return root


def _workspace_pointer(directory: str, root: str | None, manifests: Manifests) -> list[str]:
    """Return the crate whose package.workspace names a root that is no ancestor; crates below it inherit that root."""
    candidates = (directory, *ancestors(directory))
    packages = ((each, manifests[each].package) for each in candidates if each in manifests)
    if root is None or root in candidates:
        return []
    return [next(each for each, package in packages if package is not None and package.workspace is not None)]


def _declared(
    directory: str, crate: str, roots: Mapping[str, str | None], manifests: Manifests
) -> Iterator[tuple[str, str]]:
    """Yield paths as Cargo.toml declares them; [patch] counts only in the workspace of the built crate."""
    yield from declared_paths(directory, roots[directory], manifests, development=True)
    if directory == crate:
        top = roots[crate] or crate
        yield from ((top, patch.path) for patch in manifests[top].patches() if patch.path is not None)


def _resolve(base: str, path: str) -> str:
    target = resolve_path(base, path)
    if target is None:
        raise InputError(
            f"{message_text(manifest_path(base))} depends on {message_text(path)}, which lies outside of the repository"
        )
    return target


def _required_manifest(directory: str, manifests: TreeManifests) -> CargoToml:
    if directory not in manifests:
        raise manifests.missing(directory)
    return manifests[directory]
