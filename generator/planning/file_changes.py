"""Comparison of the files that enter a crate's sandbox, now and at an earlier commit."""

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
from generator.npm.closure import NpmClosure, npm_closure
from generator.planning.affected import first_path
from generator.sources.closure import Closure, dependency_closure, is_in_closure
from generator.sources.manifests import TreeManifests, read_text, repository_files
from generator.sources.tree import Tree
from generator.sources.workspace_manifest import trim_workspace
from generator.text import message_text

# Names of packages in a reason.
MAX_PACKAGES_SHOWN: Final = 3


class Snapshot:
    """A repository at one of two commits: its files, and the content of its Cargo.toml and Cargo.lock files."""

    def __init__(self, tree: Tree) -> None:
        entries = tree.entries()
        self.tree = tree
        self.paths = frozenset(entry.path for entry in entries)
        self._sorted = sorted(self.paths)
        self.manifests = TreeManifests(tree, entries)
        self._files = repository_files(tree, entries)
        self._locks: dict[str, CargoLock] = {}

    def below(self, directory: str) -> list[str]:
        """Return the files below a directory. Repositories are large, so this is a binary search."""
        if directory == ".":
            return self._sorted
        start, end = (bisect_left(self._sorted, directory + end) for end in ("/", "0"))  # 0 comes after /
        return self._sorted[start:end]

    def text(self, path: str) -> str | None:
        """Return a file's text, or None without such a file."""
        return read_text(self.tree, path) if path in self.paths else None

    def lock(self, path: str) -> CargoLock:
        """Return a Cargo.lock file, which is parsed once; InputError if it cannot be read."""
        if path not in self._locks:
            self._locks[path] = parse_cargo_lock(read_text(self.tree, path))
        return self._locks[path]

    def npm(self, package: str) -> NpmClosure:
        """Return the closure of an addon's package.json."""
        return npm_closure(package, self._files)

    def workspace(self, root: str, wanted: Closure) -> str | None:
        """Return the Cargo.toml of a workspace as it enters a crate's sandbox, or None if it does not.

        git may check out other line endings than it has committed.
        """
        if root not in wanted.workspaces:
            return None
        text = read_text(self.tree, manifest_path(root)).replace("\r\n", "\n")
        return trim_workspace(text, root, wanted, self.manifests)


@dataclass(frozen=True)
class Snapshots:
    """The repository at the earlier commit and now; `changed` are the paths that differ."""

    before: Snapshot
    now: Snapshot
    changed: frozenset[str]


@dataclass(frozen=True)
class _Closures:
    """The files that a crate needs, at the earlier commit and now."""

    before: Closure
    now: Closure

    @property
    def are_equal(self) -> bool:
        return self.before == self.now

    def other_directories(self) -> frozenset[str]:
        """Return directories whose unchanged files may enter the sandbox at only one of the two commits."""
        before, now = self.before, self.now
        if {*before.roots.values()} != {*now.roots.values()} or before.lock_directory != now.lock_directory:
            return frozenset(".")
        if before.npm != now.npm:
            return frozenset(".")
        return frozenset(before.roots.keys() ^ now.roots.keys()) | (before.named_members ^ now.named_members)

    def owner(self, path: str) -> str | None:
        """Return the crate whose directory has a file, or None for files of a workspace or of Cargo's configuration."""
        around = (parent(path), *ancestors(parent(path)))
        found = next((each for each in around if self.now.holds(each) or self.before.holds(each)), None)
        return self.now.crate if found == self.now.npm.package else found


def file_reason(crate: str, package: str | None, snapshots: Snapshots) -> str | None:
    """Return why the crate in a directory is built, or None if the files in its sandbox are unchanged.

    `package` is the directory of an addon's package.json.
    """
    try:
        before, now = (
            dependency_closure(crate, each.manifests, each.npm(package) if package is not None else None)
            for each in (snapshots.before, snapshots.now)
        )
        closures = _Closures(before, now)
        different = sorted({*_files(closures, snapshots), *_workspaces(closures, snapshots)})
    except InputError as error:
        return f"its files cannot be compared: {error.message}"
    own = [path for path in different if closures.owner(path) in (crate, None)]
    if own:
        return f"{first_path(own)} changed"
    if different:
        return (
            f"its path dependency {message_text(closures.owner(different[0]) or '.')} changed: {first_path(different)}"
        )
    return _lock_reason(closures, snapshots)


def _files(closures: _Closures, snapshots: Snapshots) -> Iterator[str]:
    """Yield files that enter the sandbox at only one of the two commits, or with different content.

    Cargo.lock and the Cargo.toml of workspaces are compared by content elsewhere.
    """
    compared_by_content = {_lock_path(each) for each in (closures.before, closures.now)}
    compared_by_content |= {manifest_path(root) for root in (*closures.before.workspaces, *closures.now.workspaces)}
    sides = (snapshots.before, snapshots.now)
    unchanged = (path for directory in closures.other_directories() for each in sides for path in each.below(directory))
    for path in {*snapshots.changed, *unchanged} - compared_by_content:
        was = path in snapshots.before.paths and is_in_closure(path, closures.before)
        is_now = path in snapshots.now.paths and is_in_closure(path, closures.now)
        if was != is_now or (is_now and path in snapshots.changed):
            yield path


def _workspaces(closures: _Closures, snapshots: Snapshots) -> Iterator[str]:
    """Yield the Cargo.toml of workspaces that differ in more than members which the crate does not need."""
    for root in {*closures.before.workspaces, *closures.now.workspaces}:
        path = manifest_path(root)
        if closures.are_equal and path not in snapshots.changed:
            continue
        if snapshots.before.workspace(root, closures.before) != snapshots.now.workspace(root, closures.now):
            yield path


def _lock_path(wanted: Closure) -> str:
    return posixpath.normpath(f"{wanted.lock_directory}/Cargo.lock")


def _lock_reason(closures: _Closures, snapshots: Snapshots) -> str | None:
    """Return which packages changed in the crate's Cargo.lock, or its path if it is new, deleted or not readable."""
    was, path = _lock_path(closures.before), _lock_path(closures.now)
    if was == path and path not in snapshots.changed:
        return None
    if was not in snapshots.before.paths and path not in snapshots.now.paths:
        return None
    try:
        found = _changed_packages(closures.now.crate, was, path, snapshots)
    except InputError:
        return f"{message_text(path)} changed"
    more = f" and {len(found) - MAX_PACKAGES_SHOWN} more" if len(found) > MAX_PACKAGES_SHOWN else ""
    return (
        f"{message_text(path)} changed for it: {message_text(', '.join(found[:MAX_PACKAGES_SHOWN]))}{more}"
        if found
        else None
    )


def _changed_packages(crate: str, was: str, path: str, snapshots: Snapshots) -> list[str]:
    """Return names of packages that only one of the two lock files has for the crate.

    InputError if the lock files cannot be compared.
    """
    package = snapshots.now.manifests[crate].package
    if package is None or was not in snapshots.before.paths or path not in snapshots.now.paths:
        raise InputError("there are no two lock files to compare")
    before, now = snapshots.before.lock(was), snapshots.now.lock(path)
    if before.version != now.version:
        raise InputError("the two lock files have different formats")
    return sorted({each.name for each in locked_packages(package.name, before) ^ locked_packages(package.name, now)})
