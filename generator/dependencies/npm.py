"""Dependencies in package.json that come from no registry and do not lie in the source."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from generator.cargo.directories import ancestors, resolve_path
from generator.dependencies.files import DependencyFiles
from generator.dependencies.refusal import InvalidJson, Refusal, line_of, parse_object, quoted
from generator.dependencies.specifiers import SpecifierKind, specifier_kind, specifier_path
from generator.npm.files import PACKAGE_JSON, PNPM_WORKSPACE, YARNRC, join, parse_settings, table
from generator.npm.projects import NpmProject

# `overrides` and `resolutions` replace dependencies of other packages, and may be nested.
_TABLES: Final = (
    "dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "overrides", "resolutions",
)  # fmt: skip
# Tables with specifiers in settings of pnpm and later yarns: pnpm's also stand in package.json.
_SETTINGS_TABLES: Final = ("catalog", "catalogs", "overrides", "packageExtensions")
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


def settings_refusals(files: DependencyFiles, project: NpmProject) -> Iterator[Refusal]:
    """Yield the refused dependencies in settings of yarn and pnpm, and the settings that cannot be checked."""
    for directory in dict.fromkeys((project.package, *ancestors(project.package), project.directory)):
        for file in (join(directory, name) for name in (YARNRC, PNPM_WORKSPACE)):
            if text := files.text(file):
                yield from _refused_settings(files, directory, file, text)


def _refused_settings(files: DependencyFiles, directory: str, file: str, text: str) -> Iterator[Refusal]:
    values = parse_settings(text)
    if values is None:
        reason = "its dependencies cannot be checked: write a mapping without anchors, aliases and tags"
        yield Refusal(file, None, f"{file} cannot be read as YAML, so {reason}")
        return
    for name, specifier in _strings(table(values, each) for each in _SETTINGS_TABLES):
        if refused := refusal_reason(files, directory, specifier):
            line = next((number for number, each in enumerate(text.splitlines(), 1) if specifier in each), None)
            yield Refusal(file, line, f"{quoted(specifier)} of {quoted(name)} {refused}")


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
    pnpm = table(package, "pnpm")
    return _strings([*(table(package, key) for key in _TABLES), *(table(pnpm, key) for key in _SETTINGS_TABLES)])


def _strings(tables: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield the strings in tables and in tables below them, with their keys."""
    waiting = [*tables]
    while waiting:
        for name, value in waiting.pop().items():
            if isinstance(value, str):
                yield str(name), value
            elif isinstance(value, dict):
                waiting.append(value)


def _paths(package: Mapping[str, Any]) -> list[str]:
    return [specifier_path(specifier) for _, specifier in _specifiers(package) if specifier_kind(specifier) == "path"]
