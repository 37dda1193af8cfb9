"""Which Cargo workspace a directory belongs to, who its members are, and what they depend on by path.

The rules are those of https://doc.rust-lang.org/cargo/reference/workspaces.html; the tests hold them against
`cargo metadata`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from generator.cargo.directories import ancestors, expand_pattern, is_within, resolve_path
from generator.cargo.manifests import DependencyTable, Manifests, Workspace


def workspace_root(directory: str, manifests: Manifests) -> str | None:
    """Directory of the workspace that a crate belongs to, whether or not that has it as a member; None without one."""
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
    """Directories of a workspace's members: those it names, its own package, and their path dependencies below it."""
    return reachable_members([root, *named_members(root, manifests)], root, manifests)


def named_members(root: str, manifests: Manifests) -> list[str]:
    """Directories that a workspace's `members` names and its `exclude` does not take back; some may hold no crate."""
    shared = manifests[root].workspace or Workspace()
    patterns = (resolve_path(root, pattern) for pattern in shared.members)
    matched = (each for pattern in patterns if pattern is not None for each in expand_pattern(pattern, manifests))
    return [each for each in matched if not _is_excluded(each, root, shared)]


def reachable_members(start: Iterable[str], root: str, manifests: Manifests) -> frozenset[str]:
    """Members of a workspace when `start` are members: these and their path dependencies below it."""
    shared = manifests[root].workspace or Workspace()
    waiting = [*start]
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
    """Directories of the repository that a crate depends on by path; some may hold no crate."""
    for home, path in declared_paths(directory, root, manifests, development=development):
        if (target := resolve_path(home, path)) is not None:
            yield target


def declared_paths(
    directory: str, root: str | None, manifests: Manifests, *, development: bool = False
) -> Iterator[tuple[str, str]]:
    """A crate's path dependencies: the directory whose Cargo.toml says it, its own or its workspace's, and the path."""
    for sections in manifests[directory].sections():
        tables = [sections.dependencies, sections.build_dependencies, *[sections.dev_dependencies] * development]
        for name, table in (item for each in tables for item in each.items()):
            home, wanted = (
                (root or directory, inherited_dependency(name, root, manifests))
                if table.workspace
                else (directory, table)
            )
            if wanted.path is not None:
                yield home, wanted.path


def inherited_dependency(name: str, root: str | None, manifests: Manifests) -> DependencyTable:
    """What `name.workspace = true` stands for."""
    shared = workspace_table(root, manifests)
    return (shared.dependencies if shared else {}).get(name, DependencyTable())


def workspace_table(root: str | None, manifests: Manifests) -> Workspace | None:
    """The [workspace] of a directory, if it has one."""
    return manifests[root].workspace if root is not None and root in manifests else None


def _is_excluded(directory: str, root: str, shared: Workspace) -> bool:
    """Cargo takes `exclude` and, against it, `members` as plain directories here, not as patterns."""

    def among(paths: list[str]) -> bool:
        return any((top := resolve_path(root, path)) is not None and is_within(directory, top) for path in paths)

    return among(shared.exclude) and not among(shared.members)
