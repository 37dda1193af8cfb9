"""Cargo's dependencies outside of the configured registries, and the hosts of its git dependencies."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from generator.cargo.locks import MAX_SIZE, LockedPackage, parse_cargo_lock
from generator.cargo.manifests import parse_toml
from generator.dependencies.files import DependencyFiles
from generator.dependencies.refusal import Refusal, quoted
from generator.errors import InputError
from generator.network.endpoints import Endpoint, endpoint_of
from generator.network.registries import Registries


def locked_crates(files: DependencyFiles, workspace: str) -> tuple[LockedPackage, ...]:
    """Return the crates of a workspace's Cargo.lock; nothing when there is none, or when Cargo could not read it."""
    try:
        return parse_cargo_lock(files.text(f"{workspace}/Cargo.lock") or "").package
    except InputError:
        return ()


def git_endpoints(files: DependencyFiles, workspace: str) -> frozenset[Endpoint]:
    """Return the endpoints of the git dependencies in Cargo.lock."""
    named = (each.source for each in locked_crates(files, workspace) if each.source and each.source.startswith("git+"))
    return frozenset(found for source in named if (found := endpoint_of(source)))


def refusals(files: DependencyFiles, workspace: str, registries: Registries) -> Iterator[Refusal]:
    """Yield the refused dependencies of Cargo.lock and of all Cargo.toml files."""
    file = posixpath.normpath(f"{workspace}/Cargo.lock")
    text = files.text(file) or ""
    for each in locked_crates(files, workspace):
        if each.source and (reason := _reason(each.source, registries)):
            line = _line(text, rf'^source = "{re.escape(each.source)}"')
            yield Refusal(file, line, f"{quoted(each.source)} of {quoted(each.name)} {reason}")
    for path, content in files.files_named("Cargo.toml"):
        for index in _indexes(content):
            if reason := _reason(index, registries):
                yield Refusal(path, _line(content, re.escape(index)), f"{quoted(index)} {reason}")


def _reason(source: str, registries: Registries) -> str | None:
    """Return the reason to refuse a source in Cargo.lock or `registry-index`, or None."""
    where = endpoint_of(source)
    if source.startswith("git+"):
        return None if where else "is a git dependency without https: use its https URL"
    if source in registries.cargo_sources or where in registries.endpoints:
        return None
    return (
        "is no configured registry: name it in CARGO_REGISTRIES_NAME_INDEX of the environment, or depend on it by path"
    )


def _indexes(text: str) -> list[str]:
    """Return the registries that a Cargo.toml names by URL, as published ones do."""
    try:
        waiting: list[Any] = [parse_toml(text, MAX_SIZE)]
    except InputError:
        return []
    found: list[str] = []
    while waiting:
        table = waiting.pop()
        if isinstance(table, dict):
            found += [table[key] for key in ("registry-index",) if isinstance(table.get(key), str)]
            waiting += table.values()
    return found


def _line(text: str, pattern: str) -> int | None:
    found = re.search(pattern, text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else None
