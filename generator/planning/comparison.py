"""Whether a crate of the checkout is made of the same files as before: exactly what enters its sandbox decides."""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from generator.cargo.directories import ancestors, parent
from generator.cargo.locks import CargoLock, locked_packages, parse_cargo_lock
from generator.cargo.manifests import manifest_path
from generator.errors import InputError
from generator.planning.affected import first_of
from generator.sources.closure import Closure, dependency_closure, is_in_closure
from generator.sources.manifests import TreeManifests, read_text
from generator.sources.tree import Tree
from generator.sources.workspace_manifest import trim_workspace
from generator.text import message_text

# Names of packages in a reason.
MAX_PACKAGES: Final = 3


class Snapshot:
    """A repository at one of two times: its files, and what its Cargo.toml and Cargo.lock files say."""

    def __init__(self, tree: Tree) -> None:
        entries = tree.entries()
        self.tree = tree
        self.paths = frozenset(entry.path for entry in entries)
        self._sorted = sorted(self.paths)
        self.manifests = TreeManifests(tree, entries)
        self._locks: dict[str, CargoLock] = {}

    def below(self, directory: str) -> list[str]:
        """Files in a directory and all those in it; found by bisection, for a repository has many."""
        if directory == ".":
            return self._sorted
        start, end = (bisect_left(self._sorted, directory + mark) for mark in ("/", "0"))  # 0 comes after /
        return self._sorted[start:end]

    def lock(self, path: str) -> CargoLock:
        """One of the Cargo.lock files, read once; InputError when it cannot be."""
        if path not in self._locks:
            self._locks[path] = parse_cargo_lock(read_text(self.tree, path))
        return self._locks[path]

    def workspace(self, root: str, wanted: Closure) -> str | None:
        """The Cargo.toml of a workspace as it enters a crate's sandbox; None when it does not."""
        if root not in wanted.workspaces:
            return None
        return trim_workspace(read_text(self.tree, manifest_path(root)), root, wanted, self.manifests)


@dataclass(frozen=True)
class Snapshots:
    """The same repository before and now; `changed` are the paths that differ."""

    before: Snapshot
    now: Snapshot
    changed: frozenset[str]


@dataclass(frozen=True)
class _Closures:
    before: Closure
    now: Closure

    @property
    def are_equal(self) -> bool:
        return self.before == self.now

    def moved(self) -> frozenset[str]:
        """Directories in which files that are the same as before may enter the sandbox in one of the two alone."""
        before, now = self.before, self.now
        if {*before.roots.values()} != {*now.roots.values()} or before.lock_directory != now.lock_directory:
            return frozenset(".")
        return frozenset(before.roots.keys() ^ now.roots.keys()) | (before.named_members ^ now.named_members)

    def owner(self, path: str) -> str | None:
        """The crate whose directory a file lies in; None for a file of the workspace or of Cargo's configuration."""
        around = (parent(path), *ancestors(parent(path)))
        return next((each for each in around if each in self.now.roots or each in self.before.roots), None)


def why_built(crate: str, sides: Snapshots) -> str | None:
    """Say why the crate in a directory is built; None when what enters its sandbox is the same as before."""
    try:
        both = _Closures(
            dependency_closure(crate, sides.before.manifests), dependency_closure(crate, sides.now.manifests)
        )
        different = sorted({*_files(both, sides), *_workspaces(both, sides)})
    except InputError as error:
        return f"its files cannot be compared: {error.message}"
    own = [path for path in different if both.owner(path) in (crate, None)]
    if own:
        return f"{first_of(own)} changed"
    if different:
        return f"its path dependency {message_text(both.owner(different[0]) or '.')} changed: {first_of(different)}"
    return _lock(both, sides)


def _files(both: _Closures, sides: Snapshots) -> Iterator[str]:
    """Files that enter the sandbox as they are, and did not before, or not like this, or the other way round."""
    compared_otherwise = {_lock_path(each) for each in (both.before, both.now)}
    compared_otherwise |= {manifest_path(root) for root in (*both.before.workspaces, *both.now.workspaces)}
    moved = (path for directory in both.moved() for side in (sides.before, sides.now) for path in side.below(directory))
    for path in {*sides.changed, *moved} - compared_otherwise:
        was = path in sides.before.paths and is_in_closure(path, both.before)
        is_now = path in sides.now.paths and is_in_closure(path, both.now)
        if was != is_now or (is_now and path in sides.changed):
            yield path


def _workspaces(both: _Closures, sides: Snapshots) -> Iterator[str]:
    """Workspaces whose Cargo.toml differs in more than members that the crate does not need."""
    for root in {*both.before.workspaces, *both.now.workspaces}:
        path = manifest_path(root)
        if both.are_equal and path not in sides.changed:
            continue
        if sides.before.workspace(root, both.before) != sides.now.workspace(root, both.now):
            yield path


def _lock_path(wanted: Closure) -> str:
    return posixpath.normpath(f"{wanted.lock_directory}/Cargo.lock")


def _lock(both: _Closures, sides: Snapshots) -> str | None:
    """Say what the crate's Cargo.lock holds otherwise; one that is new, gone or not understood counts as a whole."""
    was, path = _lock_path(both.before), _lock_path(both.now)
    if was == path and path not in sides.changed:
        return None
    if was not in sides.before.paths and path not in sides.now.paths:
        return None
    try:
        found = _other_packages(both.now.crate, was, path, sides)
    except InputError:
        return f"{message_text(path)} changed"
    more = f" and {len(found) - MAX_PACKAGES} more" if len(found) > MAX_PACKAGES else ""
    return (
        f"{message_text(path)} changed for it: {message_text(', '.join(found[:MAX_PACKAGES]))}{more}" if found else None
    )


def _other_packages(crate: str, was: str, path: str, sides: Snapshots) -> list[str]:
    """Names of the packages that the crate is built from in one of the two locks only; InputError for no answer."""
    package = sides.now.manifests[crate].package
    if package is None or was not in sides.before.paths or path not in sides.now.paths:
        raise InputError("there are no two locks of a package to compare")
    before, now = sides.before.lock(was), sides.now.lock(path)
    if before.version != now.version:
        raise InputError("the two locks have different formats")
    return sorted({each.name for each in locked_packages(package.name, before) ^ locked_packages(package.name, now)})
