"""Cargo's dependencies outside of the configured registries, and the hosts of its git dependencies."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from generator.cargo.configuration import CargoConfiguration
from generator.cargo.directories import is_within
from generator.cargo.locks import MAX_SIZE, LockedPackage, parse_cargo_lock
from generator.cargo.manifests import parse_toml
from generator.dependencies.files import DependencyFiles
from generator.dependencies.refusal import Refusal, quoted
from generator.errors import InputError
from generator.network.endpoints import Endpoint, endpoint_of
from generator.network.registries import Registries
from generator.text import message_text


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


def configured_endpoints(configuration: CargoConfiguration) -> frozenset[Endpoint]:
    """Return the endpoints of the registries in the source's configuration, by https alone."""
    addresses = (each for each in configuration.registries if re.match(r"(sparse\+)?https://", each))
    return frozenset(found for each in addresses if (found := endpoint_of(each)))


def configuration_refusals(
    files: DependencyFiles, workspace: str, configuration: CargoConfiguration
) -> Iterator[Refusal]:
    """Yield a refusal for each setting of Cargo that cannot work in a sandbox."""
    for each in configuration.problems:
        yield Refusal(each.file, each.line, f"{message_text(each.file)}: {each.message}")
    for directory in sorted(configuration.directories):
        if not any(is_within(path, directory) for path in files.texts):
            yield Refusal(
                f"{directory}/Cargo.toml",
                None,
                f"Cargo's configuration takes crates from {quoted(directory)}, which is not among the crate's files: "
                "remove [source], or move it into the crate's directory",
            )
    file = posixpath.normpath(f"{workspace}/Cargo.lock")
    for crate in locked_crates(files, workspace) if not configuration.directories else ():
        source = crate.source or ""
        if source.removeprefix("registry+") in configuration.guarded_registries:
            line = _line(files.text(file) or "", rf'^source = "{re.escape(source)}"')
            reason = "needs a token, and no token enters a sandbox: vendor its crates by [source] in .cargo/config.toml"
            yield Refusal(file, line, f"{quoted(source)} of {quoted(crate.name)} {reason}")


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
        "is no configured registry: name it in [registries] of .cargo/config.toml by https, in "
        "CARGO_REGISTRIES_NAME_INDEX of the environment, or depend on it by path"
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
