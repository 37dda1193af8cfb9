"""Workspaces of npm, yarn and pnpm: their members, and those that a package needs."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from generator.cargo.directories import MAX_PATTERNS, ancestors, expand_pattern, is_within, resolve_path
from generator.errors import InputError
from generator.npm.files import PACKAGE_JSON, PNPM_WORKSPACE, RepositoryFiles, join, strings

DEPENDENCY_TABLES: Final = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
# Characters of patterns that the managers expand and this module does not.
_UNSUPPORTED: Final = frozenset("{}()!\\")
_PATH_PROTOCOLS: Final = ("file:", "link:", "portal:", "workspace:./", "workspace:../")


def workspace_root(package: str, files: RepositoryFiles) -> str | None:
    """Return the nearest directory whose workspace has a package: its own or one above; None without a workspace."""
    candidates = (package, *ancestors(package))
    return next((each for each in candidates if _holds(each, package, files)), None)


def members(root: str, files: RepositoryFiles) -> tuple[str, ...]:
    """Return the directories of a workspace's members, sorted, without the root's own."""
    patterns = _patterns(root, files)
    below = (each for each in files.package_directories if each != root and is_within(each, root))
    return tuple(each for each in below if _matches(posixpath.relpath(each, root), patterns))


def needed_members(packages: Iterable[str], root: str, files: RepositoryFiles) -> frozenset[str]:
    """Return the directories that packages depend on, by the name of a member or by path, and these on others."""
    names = {files.name(each): each for each in members(root, files)}
    waiting, found = [*packages], set[str]()
    while waiting:
        here = waiting.pop()
        for target in _targets(here, files.package_json(here), names):
            if target not in found:
                found.add(target)
                waiting.append(target)
    return frozenset(found)


def _targets(directory: str, package: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    for name, specifier in declared(package):
        protocol = next((each for each in _PATH_PROTOCOLS if specifier.startswith(each)), None)
        if protocol is not None:
            path = resolve_path(directory, specifier.partition(":")[2])
            if path is not None:
                yield path
        elif (member := workspace_name(name, specifier)) in names:
            yield names[member]


def declared(package: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the names and specifiers of a package.json's dependencies."""
    for key in DEPENDENCY_TABLES:
        yield from strings(package, key).items()


def workspace_name(name: str, specifier: str) -> str:
    """Return the name of the package that a specifier is for: `workspace:other@^` and `npm:other@^` are aliases."""
    protocol, _, rest = specifier.partition(":")
    alias = rest.rpartition("@")[0]
    return alias if protocol in ("workspace", "npm") and alias else name


def _holds(root: str, package: str, files: RepositoryFiles) -> bool:
    """Return True if a workspace has a package. Patterns that cannot be expanded here may match it."""
    patterns = _patterns(root, files)
    if package == root:
        return bool(patterns) or files.has(root, PNPM_WORKSPACE)
    return _matches(posixpath.relpath(package, root), patterns)


def _patterns(root: str, files: RepositoryFiles) -> tuple[str, ...]:
    """Return the workspace's patterns: pnpm's file decides before package.json; InputError if there are too many."""
    listed = files.settings(root, PNPM_WORKSPACE).get("packages")
    if not files.has(root, PNPM_WORKSPACE):
        listed = files.package_json(root).get("workspaces")
        listed = listed.get("packages") if isinstance(listed, dict) else listed
    patterns = tuple(each for each in listed if isinstance(each, str)) if isinstance(listed, list) else ()
    if len(patterns) > MAX_PATTERNS:
        raise InputError(f"the workspace of {join(root, PACKAGE_JSON)} has more than {MAX_PATTERNS} patterns")
    return patterns


def _matches(path: str, patterns: Iterable[str]) -> bool:
    found = False
    for each in patterns:
        excludes = each.startswith("!")
        pattern = posixpath.normpath(each.removeprefix("!").lstrip("/") or ".")
        if set(pattern) & _UNSUPPORTED:
            found = found or not excludes
        elif path in expand_pattern(pattern, [path]):
            found = not excludes
    return found
