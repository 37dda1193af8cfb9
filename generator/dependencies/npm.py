"""Dependencies in package.json that come from no registry and do not lie in the source."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, Final

from generator.cargo.directories import ancestors, expand_pattern, resolve_path
from generator.dependencies.files import DependencyFiles
from generator.dependencies.refusal import InvalidJson, Refusal, line_of, parse_object, quoted
from generator.dependencies.specifiers import SpecifierKind, specifier_kind, specifier_path

PACKAGE_JSON: Final = "package.json"
# `overrides` and `resolutions` replace dependencies of other packages, and may be nested.
_TABLES: Final = (
    "dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "overrides", "resolutions",
)  # fmt: skip
# Characters of patterns that npm expands and this module does not.
_UNSUPPORTED: Final = frozenset("{}()!\\")
_REASONS: Final[dict[SpecifierKind, str]] = {"url": "is a dependency by URL", "git": "is a dependency by git"}
FIX: Final = "name a version that a registry has, or put the package into the repository and name it by file:"


def projects(files: DependencyFiles, directory: str) -> list[str]:
    """Return the directories whose package.json npm reads: the crate's, those named by path, its workspace's."""
    found: list[str] = []
    waiting = [directory, *_workspaces_above(files, directory)]
    while waiting:
        here = files.resolve(waiting.pop())
        if here is None or here in found or (package := package_json(files, here)) is None:
            continue
        found.append(here)
        waiting += _members(files, here, package)
        waiting += [each for path in _paths(package) if (each := resolve_path(here, path)) is not None]
    return found


def refusals(files: DependencyFiles, directory: str) -> Iterator[Refusal]:
    """Yield the refused dependencies of one package.json."""
    file = posixpath.normpath(f"{directory}/{PACKAGE_JSON}")
    text = files.text(file) or ""
    try:
        package = parse_object(text)
    except InvalidJson:
        yield Refusal(file, None, f"{file} is not valid JSON, so its dependencies cannot be checked")
        return
    for name, specifier in _specifiers(package):
        if reason := refusal_reason(files, directory, specifier):
            yield Refusal(file, line_of(text, name, specifier), f"{quoted(specifier)} of {quoted(name)} {reason}")


def refusal_reason(files: DependencyFiles, directory: str, specifier: str) -> str | None:
    """Return the reason to refuse a specifier, with its fix, or None."""
    kind = specifier_kind(specifier)
    if kind == "registry":
        return None
    if kind != "path":
        return f"{_REASONS[kind]}: {FIX}"
    path = specifier_path(specifier)
    target = None if path.startswith("~") else resolve_path(directory, path)  # npm reads ~ as HOME
    real = None if target is None else files.resolve(target)
    if real is None:
        return "leads out of the source: put the package into the repository"
    return None


def package_json(files: DependencyFiles, directory: str) -> Mapping[str, Any] | None:
    """Return a directory's package.json: empty when it is invalid, None when there is none."""
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
    above = [(each, package_json(files, each)) for each in ancestors(directory)]
    return [each for each, package in above if package is not None and _may_hold(package, each, directory)]


def _may_hold(package: Mapping[str, Any], top: str, directory: str) -> bool:
    """Return True if a directory may be in a workspace, which npm then installs. Unsupported patterns may match it."""
    inside = posixpath.relpath(directory, top)
    return any(set(each) & _UNSUPPORTED or inside in expand_pattern(each, [inside]) for each in _patterns(package))


def _patterns(package: Mapping[str, Any]) -> list[str]:
    listed = package.get("workspaces")
    patterns = listed.get("packages") if isinstance(listed, dict) else listed
    named = [each for each in patterns if isinstance(each, str)] if isinstance(patterns, list) else []
    return [posixpath.normpath(each.lstrip("/") or ".") for each in named]


def _members(files: DependencyFiles, directory: str, package: Mapping[str, Any]) -> list[str]:
    below = [
        posixpath.relpath(posixpath.dirname(path) or ".", directory) for path, _ in files.files_named(PACKAGE_JSON)
    ]
    members = {member for pattern in _patterns(package) for member in expand_pattern(pattern, below)}
    return [each for member in sorted(members) if (each := resolve_path(directory, member)) is not None]
