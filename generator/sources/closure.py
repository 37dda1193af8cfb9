"""What a crate needs from its own repository: its path dependencies, and the workspaces that they are in."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from generator.cargo.directories import ancestors, is_within, parent, resolve_path
from generator.cargo.manifests import CargoToml, Manifests, manifest_path
from generator.cargo.workspaces import declared_paths, named_members, workspace_root
from generator.errors import InputError
from generator.sources.names import message_text, shell_word


@dataclass(frozen=True)
class Closure:
    """A crate with all that it depends on by path; everything is a directory from the repository's top.

    `roots` holds for the crate and each of its path dependencies the root of its workspace, None outside of any.
    `named` are the crates that the members of these workspaces name.
    """

    crate: str
    roots: Mapping[str, str | None]
    named_members: frozenset[str]

    @property
    def workspaces(self) -> tuple[str, ...]:
        """Roots of the workspaces whose Cargo.toml is needed, sorted."""
        return tuple(sorted({root for root in self.roots.values() if root is not None}))

    @property
    def lock_directory(self) -> str:
        """Where Cargo.lock lies: the root of the crate's workspace, or the crate's own directory."""
        root = self.roots[self.crate]
        return self.crate if root is None else root


def dependency_closure(crate: str, manifests: Manifests) -> Closure:
    """Follow path dependencies, also those of tests; InputError names the Cargo.toml that is missing or broken."""
    roots: dict[str, str | None] = {}
    waiting = [crate]
    while waiting:
        directory = waiting.pop()
        if directory not in roots:
            roots[directory] = _root(directory, manifests)
            waiting += [_inside(home, path) for home, path in _written(directory, crate, roots, manifests)]
            waiting += _pointing(directory, roots[directory], manifests)
    workspaces = {root for root in roots.values() if root is not None}
    return Closure(crate, roots, frozenset(each for root in workspaces for each in named_members(root, manifests)))


def is_in_closure(path: str, wanted: Closure) -> bool:
    """Whether a file goes into the sandbox.

    It does when it lies in one of the closure's directories, but not in another member of a workspace below that; so
    do the Cargo.toml of each workspace, the crate's Cargo.lock, and Cargo's configuration above the crate.
    """
    folder, name = parent(path), posixpath.basename(path)
    if name == "Cargo.toml" and folder in wanted.roots.values():
        return True
    if name == "Cargo.lock" and folder == wanted.lock_directory:
        return True
    if posixpath.basename(folder) == ".cargo" and is_within(wanted.crate, parent(folder)):
        return True
    around = (folder, *ancestors(folder))
    return next(
        (each in wanted.roots for each in around if each in wanted.roots or each in wanted.named_members), False
    )


def _root(directory: str, manifests: Manifests) -> str | None:
    package = _required(directory, manifests).package
    root = workspace_root(directory, manifests)
    if root is None and package is not None and package.workspace is not None:
        raise InputError(
            f"{message_text(manifest_path(directory))} names the workspace {message_text(package.workspace)}, "
            "which lies outside of the repository"
        )
    if root is not None and _required(root, manifests).workspace is None:
        top, below = message_text(manifest_path(root)), message_text(manifest_path(directory))
        raise InputError(f"{top} has no [workspace], but {below} belongs to it")
    return root


def _pointing(directory: str, root: str | None, manifests: Manifests) -> list[str]:
    """The crate whose package.workspace leads to a root that lies beside: a crate below it that has none follows it."""
    around = (directory, *ancestors(directory))
    packages = ((each, manifests[each].package) for each in around if each in manifests)
    if root is None or root in around:
        return []
    return [next(each for each, package in packages if package is not None and package.workspace is not None)]


def _written(
    directory: str, crate: str, roots: Mapping[str, str | None], manifests: Manifests
) -> Iterator[tuple[str, str]]:
    """Paths as a crate's Cargo.toml or its workspace's writes them; [patch] counts where the build starts alone."""
    yield from declared_paths(directory, roots[directory], manifests, development=True)
    if directory == crate:
        top = roots[crate] or crate
        yield from ((top, patch.path) for patch in manifests[top].patches() if patch.path is not None)


def _inside(home: str, path: str) -> str:
    target = resolve_path(home, path)
    if target is None:
        raise InputError(
            f"{message_text(manifest_path(home))} depends on {message_text(path)}, which lies outside of the repository"
        )
    return target


def _required(directory: str, manifests: Manifests) -> CargoToml:
    if directory not in manifests:
        path = manifest_path(directory)
        raise InputError(
            f"{message_text(path)} is missing, or not tracked by git",
            fix=f"git add {shell_word(posixpath.dirname(path) or path)}",
        )
    return manifests[directory]
