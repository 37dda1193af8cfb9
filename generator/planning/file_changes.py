"""Comparison of the files that enter a crate's sandbox, now and at an earlier commit."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from generator.cargo.directories import ancestors, parent
from generator.cargo.locks import CargoLock, locked_packages, parse_cargo_lock
from generator.cargo.manifests import manifest_path
from generator.errors import InputError
from generator.planning.affected import first_path
from generator.sources.closure import Closure
from generator.sources.listing import Listing
from generator.sources.manifests import read_text
from generator.sources.selection import Selection, Wanted, select
from generator.sources.tree import Tree
from generator.sources.workspace_manifest import trim_workspace
from generator.text import message_text

# Names of packages in a reason.
MAX_PACKAGES_SHOWN: Final = 3


class Snapshot(Listing):
    """A repository at one of two commits: its files, and the content of its Cargo.lock files and workspaces."""

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree)
        self._locks: dict[str, CargoLock] = {}

    def lock(self, path: str) -> CargoLock:
        """Return a Cargo.lock file, which is parsed once; InputError if it cannot be read."""
        if path not in self._locks:
            self._locks[path] = parse_cargo_lock(read_text(self.tree, path))
        return self._locks[path]

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

    @cached_property
    def other_manifests(self) -> frozenset[str]:
        """Directories with a Cargo.toml at only one of the two commits."""
        return frozenset(self.before.manifests.keys() ^ self.now.manifests.keys())


@dataclass(frozen=True)
class _Selections:
    """The files that a crate needs, at the earlier commit and now."""

    before: Selection
    now: Selection

    @property
    def closures_are_equal(self) -> bool:
        return self.before.closure == self.now.closure

    def unchanged_paths(self, snapshots: Snapshots) -> Iterator[str]:
        """Yield unchanged files that may enter the sandbox at only one of the two commits."""
        yield from self.before.extra ^ self.now.extra
        for directory in self._other_directories(snapshots):
            yield from (path for each in (snapshots.before, snapshots.now) for path in each.below(directory))

    def _other_directories(self, snapshots: Snapshots) -> frozenset[str]:
        before, now = self.before.closure, self.now.closure
        if {*before.roots.values()} != {*now.roots.values()} or before.lock_directory != now.lock_directory:
            return frozenset(".")
        if before.npm != now.npm:
            return frozenset(".")
        nested = frozenset(each for each in snapshots.other_manifests if self.owner(manifest_path(each)) is not None)
        return nested | (before.roots.keys() ^ now.roots.keys()) | (before.named_members ^ now.named_members)

    def owner(self, path: str) -> str | None:
        """Return the crate whose directory has a file, or None for files that lie in no directory of a crate."""
        around = (parent(path), *ancestors(parent(path)))
        now, before = self.now.closure, self.before.closure
        found = next((each for each in around if now.holds(each) or before.holds(each)), None)
        return now.crate if found == now.npm.package else found


def file_reason(request: Wanted, snapshots: Snapshots) -> str | None:
    """Return why a crate is built, or None if the files in its sandbox are unchanged."""
    try:
        selections = _Selections(select(request, snapshots.before), select(request, snapshots.now))
        different = sorted({*_files(selections, snapshots), *_workspaces(selections, snapshots)})
    except InputError as error:
        return f"its files cannot be compared: {error.message}"
    own = [path for path in different if selections.owner(path) in (request.directory, None)]
    if own:
        return f"{first_path(own)} changed"
    if different:
        dependency = message_text(selections.owner(different[0]) or ".")
        return f"its path dependency {dependency} changed: {first_path(different)}"
    return _lock_reason(selections.before.closure, selections.now.closure, snapshots)


def _files(selections: _Selections, snapshots: Snapshots) -> Iterator[str]:
    """Yield files that enter the sandbox at only one of the two commits, or with different content.

    Cargo.lock and the Cargo.toml of workspaces are compared by content elsewhere.
    """
    before, now = selections.before, selections.now
    compared_by_content = {_lock_path(each.closure) for each in (before, now)}
    compared_by_content |= {manifest_path(root) for each in (before, now) for root in each.closure.workspaces}
    for path in {*snapshots.changed, *selections.unchanged_paths(snapshots)} - compared_by_content:
        was = path in snapshots.before.paths and before.holds(path)
        is_now = path in snapshots.now.paths and now.holds(path)
        if was != is_now or (is_now and path in snapshots.changed):
            yield path


def _workspaces(selections: _Selections, snapshots: Snapshots) -> Iterator[str]:
    """Yield the Cargo.toml of workspaces that differ in more than members, and what these inherit, of other crates."""
    before, now = selections.before.closure, selections.now.closure
    for root in {*before.workspaces, *now.workspaces}:
        path = manifest_path(root)
        if selections.closures_are_equal and path not in snapshots.changed:
            continue
        if snapshots.before.workspace(root, before) != snapshots.now.workspace(root, now):
            yield path


def _lock_path(wanted: Closure) -> str:
    return posixpath.normpath(f"{wanted.lock_directory}/Cargo.lock")


def _lock_reason(before: Closure, now: Closure, snapshots: Snapshots) -> str | None:
    """Return which packages changed in the crate's Cargo.lock, or its path if it is new, deleted or not readable."""
    was, path = _lock_path(before), _lock_path(now)
    if was == path and path not in snapshots.changed:
        return None
    if was not in snapshots.before.paths and path not in snapshots.now.paths:
        return None
    try:
        found = _changed_packages(now.crate, was, path, snapshots)
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
