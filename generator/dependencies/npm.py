"""What a package.json asks for that comes from no registry and does not lie in the source."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, Final

from generator.cargo.directories import expanded, joined, upwards
from generator.dependencies.files import DependencyFiles
from generator.dependencies.refusal import InvalidJson, Refusal, line_of, parse_object, quoted
from generator.dependencies.specifiers import SpecifierKind, specifier_kind, specifier_path

PACKAGE_JSON: Final = "package.json"
# `overrides` and `resolutions` replace what others ask for, and may be nested.
_TABLES: Final = (
    *("dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "overrides", "resolutions"),
)
# Of patterns that npm expands: braces, groups and backslashes.
_NOT_READ: Final = frozenset("{}()!\\")
_WHY: Final[dict[SpecifierKind, str]] = {"url": "is a dependency by URL", "git": "is a dependency by git"}
FIX: Final = "name a version that a registry has, or put the package into the repository and name it by file:"


def projects(files: DependencyFiles, directory: str) -> list[str]:
    """Directories whose package.json npm reads for a crate: its own, what it names by path, and its workspace's."""
    found: list[str] = []
    waiting = [directory, *_workspaces_above(files, directory)]
    while waiting:
        here = files.resolve(waiting.pop())
        if here is None or here in found or (package := package_json(files, here)) is None:
            continue
        found.append(here)
        waiting += _members(files, here, package)
        waiting += [each for path in _paths(package) if (each := joined(here, path)) is not None]
    return found


def refusals(files: DependencyFiles, directory: str) -> Iterator[Refusal]:
    """What of a project's package.json is refused."""
    file = posixpath.normpath(f"{directory}/{PACKAGE_JSON}")
    text = files.text(file) or ""
    try:
        package = parse_object(text)
    except InvalidJson:
        yield Refusal(file, None, f"{file} is not valid JSON, so nothing can be said of what it depends on")
        return
    for name, specifier in _specifiers(package):
        if why := refusal_reason(files, directory, specifier):
            yield Refusal(file, line_of(text, name, specifier), f"{quoted(specifier)} of {quoted(name)} {why}")


def refusal_reason(files: DependencyFiles, directory: str, specifier: str) -> str | None:
    """Return what is wrong with a specifier and what to do about it, None where nothing is."""
    kind = specifier_kind(specifier)
    if kind == "registry":
        return None
    if kind != "path":
        return f"{_WHY[kind]}: {FIX}"
    path = specifier_path(specifier)
    target = None if path.startswith("~") else joined(directory, path)  # ~ is HOME
    real = None if target is None else files.resolve(target)
    if real is None:
        return "leads out of the source: put the package into the repository"
    return None


def package_json(files: DependencyFiles, directory: str) -> Mapping[str, Any] | None:
    """Return a directory's package.json, empty where it is broken, None where there is none."""
    text = files.text(f"{directory}/{PACKAGE_JSON}")
    try:
        return None if text is None else parse_object(text)
    except InvalidJson:
        return {}


def _specifiers(package: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    tables = [package.get(key) for key in _TABLES]
    manager = package.get("pnpm")
    tables.append(manager.get("overrides") if isinstance(manager, dict) else None)
    waiting = [table for table in tables if isinstance(table, dict)]
    while waiting:
        for name, value in waiting.pop().items():
            if isinstance(value, str):
                yield name, value
            elif isinstance(value, dict):
                waiting.append(value)


def _paths(package: Mapping[str, Any]) -> list[str]:
    return [specifier_path(specifier) for _, specifier in _specifiers(package) if specifier_kind(specifier) == "path"]


def _workspaces_above(files: DependencyFiles, directory: str) -> list[str]:
    above = [(each, package_json(files, each)) for each in upwards(directory)]
    return [each for each, package in above if package is not None and _may_hold(package, each, directory)]


def _may_hold(package: Mapping[str, Any], top: str, directory: str) -> bool:
    """Whether a directory may be of a workspace: npm installs that in its place. Patterns not read here may hold it."""
    inside = posixpath.relpath(directory, top)
    return any(set(each) & _NOT_READ or inside in expanded(each, [inside]) for each in _patterns(package))


def _patterns(package: Mapping[str, Any]) -> list[str]:
    listed = package.get("workspaces")
    patterns = listed.get("packages") if isinstance(listed, dict) else listed
    named = [each for each in patterns if isinstance(each, str)] if isinstance(patterns, list) else []
    return [posixpath.normpath(each.lstrip("/") or ".") for each in named]


def _members(files: DependencyFiles, directory: str, package: Mapping[str, Any]) -> list[str]:
    below = [
        posixpath.relpath(posixpath.dirname(path) or ".", directory) for path, _ in files.files_named(PACKAGE_JSON)
    ]
    members = {member for pattern in _patterns(package) for member in expanded(pattern, below)}
    return [each for member in sorted(members) if (each := joined(directory, member)) is not None]
