"""Cargo's rules on workspaces: the root of a crate's workspace, the members, and their path dependencies.

https://doc.rust-lang.org/cargo/reference/workspaces.html; the tests compare the results with `cargo metadata`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from generator.cargo.directories import MAX_PATTERNS, ancestors, expand_pattern, is_within, resolve_path
from generator.cargo.manifests import DependencyTable, Inherited, Manifests, Package, Workspace
from generator.errors import InputError


def workspace_root(directory: str, manifests: Manifests) -> str | None:
    """Return the directory of a crate's workspace, even when the crate is not its member; None without a workspace."""
    for each in (directory, *ancestors(directory)):
        manifest = manifests.get(each)
        if manifest is None:
            continue
        if manifest.workspace is not None and (
            each == directory or not _is_excluded(directory, each, manifest.workspace)
        ):
            return each
        if manifest.package is not None and manifest.package.workspace is not None:
            return resolve_path(each, manifest.package.workspace)
    return None


def workspace_members(root: str, manifests: Manifests) -> frozenset[str]:
    """Return a workspace's members: those that it names, its own package, and their path dependencies below it."""
    return reachable_members([root, *named_members(root, manifests)], root, manifests)


def named_members(root: str, manifests: Manifests) -> list[str]:
    """Return the directories that `members` names and `exclude` does not; some may hold no crate.

    InputError if `members` has more patterns than MAX_PATTERNS.
    """
    shared = manifests[root].workspace or Workspace()
    if sum("*" in each for each in shared.members) > MAX_PATTERNS:
        raise InputError(f"the workspace of {resolve_path(root, 'Cargo.toml')} has more than {MAX_PATTERNS} patterns")
    patterns = (resolve_path(root, pattern) for pattern in shared.members)
    matched = (each for pattern in patterns if pattern is not None for each in expand_pattern(pattern, manifests))
    return [each for each in matched if not _is_excluded(each, root, shared)]


def reachable_members(start: Iterable[str], root: str, manifests: Manifests) -> frozenset[str]:
    """Return the crates of `start` and their path dependencies below the workspace's root: all are members."""
    shared = manifests[root].workspace or Workspace()
    pending = [*start]
    found: set[str] = set()
    while pending:
        directory = pending.pop()
        if directory in found or directory not in manifests or _is_excluded(directory, root, shared):
            continue
        found.add(directory)
        pending += [
            each
            for each in path_dependencies(directory, root, manifests, development=True)
            if each in manifests and (is_within(each, root) or workspace_root(each, manifests) == root)
        ]
    return frozenset(each for each in found if manifests[each].package is not None)


def path_dependencies(
    directory: str, root: str | None, manifests: Manifests, *, development: bool = False
) -> Iterator[str]:
    """Yield the directories of the repository that a crate depends on by path; some may hold no crate."""
    for base, path in declared_paths(directory, root, manifests, development=development):
        if (target := resolve_path(base, path)) is not None:
            yield target


def declared_paths(
    directory: str, root: str | None, manifests: Manifests, *, development: bool = False
) -> Iterator[tuple[str, str]]:
    """Yield a crate's path dependencies: the directory of the declaring Cargo.toml, and the path as written there."""
    for sections in manifests[directory].sections():
        tables = [sections.dependencies, sections.build_dependencies, *[sections.dev_dependencies] * development]
        for name, table in (item for each in tables for item in each.items()):
            base, dependency = (
                (root or directory, inherited_dependency(name, root, manifests))
                if table.workspace
                else (directory, table)
            )
            if dependency.path is not None:
                yield base, dependency.path


def inherited_dependency(name: str, root: str | None, manifests: Manifests) -> DependencyTable:
    """Return the dependency that `name.workspace = true` inherits."""
    shared = workspace_table(root, manifests)
    return (shared.dependencies if shared else {}).get(name, DependencyTable())


def package_version(package: Package, root: str | None, manifests: Manifests) -> str | None:
    """Return a package's version, which it may inherit from the workspace at `root`; None if there is none to inherit.

    Cargo's own default is 0.0.0.
    """
    if not isinstance(package.version, Inherited):
        return package.version or "0.0.0"
    shared = workspace_table(root, manifests)
    return shared.package.version if shared else None


def workspace_table(root: str | None, manifests: Manifests) -> Workspace | None:
    """Return the [workspace] of a directory, or None without one."""
    return manifests[root].workspace if root is not None and root in manifests else None


def _is_excluded(directory: str, root: str, shared: Workspace) -> bool:
    """Return whether `exclude` removes a directory; Cargo reads it and `members` as plain directories here."""

    def is_below_any(paths: list[str]) -> bool:
        return any((top := resolve_path(root, path)) is not None and is_within(directory, top) for path in paths)

    return is_below_any(shared.exclude) and not is_below_any(shared.members)
