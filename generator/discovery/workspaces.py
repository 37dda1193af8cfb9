"""Which Cargo workspace a directory belongs to, by Cargo's own rules.

Directories are paths from the repository's top in POSIX form, "." for the top. The rules are those of
https://doc.rust-lang.org/cargo/reference/workspaces.html; the tests hold them against `cargo metadata`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache

from generator.discovery.descriptions import CargoToml, DependencyTable, Workspace

Manifests = Mapping[str, CargoToml]


def workspace_root(directory: str, manifests: Manifests) -> str | None:
    """Directory of the workspace that a crate belongs to, whether or not that has it as a member; None without one."""
    for each in (directory, *upwards(directory)):
        manifest = manifests.get(each)
        if manifest is None:
            continue
        if manifest.workspace is not None and (
            each == directory or not _is_excluded(directory, each, manifest.workspace)
        ):
            return each
        if manifest.package is not None and manifest.package.workspace is not None:
            return joined(each, manifest.package.workspace)
    return None


def members(root: str, manifests: Manifests) -> frozenset[str]:
    """Directories of a workspace's members: those it names, its own package, and their path dependencies below it."""
    shared = manifests[root].workspace or Workspace()
    named = [joined(root, pattern) for pattern in shared.members]
    waiting = [root, *(each for pattern in named for each in _expanded(pattern, manifests))]
    found: set[str] = set()
    while waiting:
        directory = waiting.pop()
        if directory in found or directory not in manifests or _is_excluded(directory, root, shared):
            continue
        found.add(directory)
        waiting += [
            each
            for each in path_dependencies(directory, root, manifests, development=True)
            if each in manifests and (is_within(each, root) or workspace_root(each, manifests) == root)
        ]
    return frozenset(each for each in found if manifests[each].package is not None)


def path_dependencies(
    directory: str, root: str | None, manifests: Manifests, *, development: bool = False
) -> Iterator[str]:
    """Directories that a crate depends on by path, also by way of its workspace's root; some may hold no crate."""
    for sections in manifests[directory].sections():
        tables = [sections.dependencies, sections.build_dependencies, *[sections.dev_dependencies] * development]
        for name, table in (item for each in tables for item in each.items()):
            home, wanted = (
                (root or directory, inherited(name, root, manifests)) if table.workspace else (directory, table)
            )
            if wanted.path is not None and (target := joined(home, wanted.path)) is not None:
                yield target


def inherited(name: str, root: str | None, manifests: Manifests) -> DependencyTable:
    """What `name.workspace = true` stands for."""
    shared = shared_by(root, manifests)
    return (shared.dependencies if shared else {}).get(name, DependencyTable())


def shared_by(root: str | None, manifests: Manifests) -> Workspace | None:
    """The [workspace] of a directory, if it has one."""
    return manifests[root].workspace if root is not None and root in manifests else None


def joined(directory: str, path: str) -> str | None:
    """A path from a directory as a path from the top, or None when it leads out of the repository."""
    target = posixpath.normpath(posixpath.join(directory, path))
    return None if target.startswith("/") or target.split("/")[0] == ".." else target


def is_within(path: str, directory: str) -> bool:
    """Whether a path is a directory or lies in it."""
    return directory == "." or path == directory or path.startswith(directory + "/")


def upwards(directory: str) -> Iterator[str]:
    """The directories above one, nearest first."""
    while directory != ".":
        directory = posixpath.dirname(directory) or "."
        yield directory


def _is_excluded(directory: str, root: str, shared: Workspace) -> bool:
    """Cargo takes `exclude` and, against it, `members` as plain directories here, not as patterns."""

    def among(paths: list[str]) -> bool:
        return any((top := joined(root, path)) is not None and is_within(directory, top) for path in paths)

    return among(shared.exclude) and not among(shared.members)


def _expanded(pattern: str | None, manifests: Manifests) -> list[str]:
    if pattern is None:
        return []
    if not set(pattern) & set("*?["):
        return [pattern]
    parts = pattern.split("/")
    wanted = tuple(part for part, before in zip(parts, ["", *parts], strict=False) if (part, before) != ("**", "**"))
    return [each for each in manifests if _matches(() if each == "." else tuple(each.split("/")), wanted)]


def _matches(parts: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Whether a path matches a pattern part by part; `**` is any number of parts, at the end at least one."""

    @cache
    def rest(part: int, want: int) -> bool:
        if want == len(wanted):
            return part == len(parts)
        if part == len(parts):
            return False
        if wanted[want] == "**":
            return want == len(wanted) - 1 or rest(part, want + 1) or rest(part + 1, want)
        return fnmatchcase(parts[part], wanted[want]) and rest(part + 1, want + 1)

    return rest(0, 0)
