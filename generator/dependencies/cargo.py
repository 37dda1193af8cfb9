"""What Cargo fetches from elsewhere than from the registries in force, and the hosts of its git dependencies."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from generator.cargo.locks import MAX_SIZE, Locked, cargo_lock
from generator.cargo.manifests import toml_table
from generator.dependencies.files import DependencyFiles
from generator.dependencies.refusal import Refusal, quoted
from generator.errors import InputError
from generator.network.endpoints import Endpoint, endpoint_of
from generator.network.registries import Registries


def locked_crates(files: DependencyFiles, workspace: str) -> tuple[Locked, ...]:
    """Return what a workspace's Cargo.lock holds; nothing where there is none, or none that Cargo would read."""
    try:
        return cargo_lock(files.text(f"{workspace}/Cargo.lock") or "").package
    except InputError:
        return ()


def git_endpoints(files: DependencyFiles, workspace: str) -> frozenset[Endpoint]:
    """Return where the git dependencies that Cargo.lock names lie."""
    named = (each.source for each in locked_crates(files, workspace) if each.source and each.source.startswith("git+"))
    return frozenset(found for source in named if (found := endpoint_of(source)))


def refusals(files: DependencyFiles, workspace: str, registries: Registries) -> Iterator[Refusal]:
    """What Cargo.lock and the Cargo.toml files of the source name that is refused."""
    file = posixpath.normpath(f"{workspace}/Cargo.lock")
    text = files.text(file) or ""
    for each in locked_crates(files, workspace):
        if each.source and (why := _why(each.source, registries)):
            line = _line(text, rf'^source = "{re.escape(each.source)}"')
            yield Refusal(file, line, f"{quoted(each.source)} of {quoted(each.name)} {why}")
    for path, content in files.files_named("Cargo.toml"):
        for index in _indexes(content):
            if why := _why(index, registries):
                yield Refusal(path, _line(content, re.escape(index)), f"{quoted(index)} {why}")


def _why(source: str, registries: Registries) -> str | None:
    """What is wrong with a source that Cargo.lock or `registry-index` names."""
    where = endpoint_of(source)
    if source.startswith("git+"):
        return None if where else "is a dependency by git that is not fetched by https: name it so"
    if source in registries.cargo_sources or where in registries.endpoints:
        return None
    return "is no registry in force: name it in CARGO_REGISTRIES_NAME_INDEX of the environment, or depend on it by path"


def _indexes(text: str) -> list[str]:
    """Registries that a Cargo.toml names by their address, as published ones do."""
    try:
        waiting: list[Any] = [toml_table(text, MAX_SIZE)]
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
