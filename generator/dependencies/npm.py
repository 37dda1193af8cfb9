"""Dependencies in package.json that come from no registry and do not lie in the source."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, Final

from generator.cargo.directories import resolve_path
from generator.dependencies.files import DependencyFiles
from generator.dependencies.refusal import InvalidJson, Refusal, line_of, parse_object, quoted
from generator.dependencies.specifiers import SpecifierKind, specifier_kind, specifier_path
from generator.npm.projects import NpmProject

PACKAGE_JSON: Final = "package.json"
# `overrides` and `resolutions` replace dependencies of other packages, and may be nested.
_TABLES: Final = (
    "dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "overrides", "resolutions",
)  # fmt: skip
_REASONS: Final[dict[SpecifierKind, str]] = {"url": "is a dependency by URL", "git": "is a dependency by git"}
FIX: Final = "name a version that a registry has, or put the package into the repository and name it by file:"


def projects(files: DependencyFiles, project: NpmProject) -> list[str]:
    """Return the directories whose package.json is read: the package's, its workspace's, and those named by path."""
    found: list[str] = []
    waiting = [*project.directories]
    while waiting:
        here = files.resolve(waiting.pop())
        if here is None or here in found or (package := package_json(files, here)) is None:
            continue
        found.append(here)
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
