"""A project's Cargo configuration: the values that decide about the fetch step and about each platform's options.

Cargo reads the files itself when it compiles. The fetch step runs Cargo outside of the source, and each platform adds
options of its own: https://doc.rust-lang.org/cargo/reference/config.html. `configuration_files` reads the files.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import tomlkit

from generator.cargo.conditions import condition_holds
from generator.cargo.tables import line_of, table_of, tables_of, words_of
from generator.text import visible

DIRECTORY: Final = ".cargo"
# Compiler caches: the program is the same without them, and no cache outlives a sandbox.
_CACHES: Final = frozenset({"sccache", "ccache", "cachepot"})
_WRAPPERS: Final = ("rustc-wrapper", "rustc-workspace-wrapper")
PROGRAMS: Final = ("rustc", "rustdoc", *_WRAPPERS)
# Keys of [source.NAME] and [registries.NAME] that say where crates come from. Others name programs or hold tokens.
_SOURCE_KEYS: Final = ("registry", "replace-with", "directory", "local-registry", "git", "branch", "tag", "rev")
_REGISTRY_KEYS: Final = ("index", "protocol")
DIRECTORY_KEYS: Final = frozenset({"directory", "local-registry"})

Flags = Literal["rustflags", "rustdocflags"]
TargetProgram = Literal["linker", "runner"]
FLAGS: Final[tuple[Flags, ...]] = ("rustflags", "rustdocflags")


@dataclass(frozen=True)
class ConfigurationProblem:
    """One sentence with its fix, and the file and line that it is about."""

    file: str
    line: int | None
    message: str


@dataclass(frozen=True)
class ConfigurationFile:
    """One file with its own values."""

    path: str
    text: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class NamedProgram:
    """A program that a key names, and the file and line of the key."""

    key: str
    name: str
    file: str
    line: int | None


@dataclass(frozen=True)
class CargoConfiguration:
    """The merged configuration of a crate. Paths in [source] start at the source's top.

    `files` are those that it is merged from; a later one counts more.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[ConfigurationProblem, ...] = ()
    files: tuple[ConfigurationFile, ...] = ()

    @property
    def names_target(self) -> bool:
        """Return True if Cargo compiles for a target of the project's choice when its command line names none."""
        return "target" in self._build

    @property
    def uses_conditions(self) -> bool:
        """Return True if flags or programs depend on the conditions of a target."""
        keys = {"rustflags", "linker", "runner"}
        return any(key.startswith("cfg(") and keys & table.keys() for key, table in self._targets.items())

    @property
    def unused_caches(self) -> dict[str, str]:
        """The keys of [build] that name a compiler cache, which no sandbox uses, and the cache of each."""
        named = {key: posixpath.basename(str(self._build.get(key, ""))) for key in _WRAPPERS}
        return {key: name for key, name in named.items() if name in _CACHES}

    @property
    def programs(self) -> tuple[NamedProgram, ...]:
        """The programs that [build] names and Cargo looks for on PATH."""
        named = (self._program(key, "build") for key in PROGRAMS if key not in self.unused_caches)
        return tuple(each for each in named if each)

    def target_program(self, key: TargetProgram, target: str, conditions: frozenset[str]) -> NamedProgram | None:
        """Return the program of a target that Cargo looks for, or None. The target's own table comes first."""
        tables = [name for name, table in self._targets.items() if key in table]
        found = target if target in tables else next((name for name in tables if _holds(name, conditions)), None)
        return self._program(key, "target", found) if found else None

    @property
    def aliases(self) -> dict[str, str]:
        """Names of own subcommands, each with all the words that it stands for, quoted for a shell."""
        table = table_of(self.values, "alias")
        words = {
            name: words_of(value)
            for name, value in table.items()
            if re.fullmatch(r"[A-Za-z0-9_-]+", name) and name not in ("b", "build")  # Cargo's own come first
        }
        expanded = {name: _expanded(name, words) for name in words}
        return {name: shlex.join(each) for name, each in expanded.items() if "".join(each).isprintable()}

    @property
    def registries(self) -> frozenset[str]:
        """The addresses of registries, as they are written."""
        named = [each.get("index") for each in tables_of(self.values, "registries").values()]
        named += [each.get("registry") for each in tables_of(self.values, "source").values()]
        return frozenset(each for each in named if isinstance(each, str))

    @property
    def guarded_registries(self) -> frozenset[str]:
        """The addresses of registries that give crates for a token alone."""
        tables = tables_of(self.values, "registries").values()
        return frozenset(str(each.get("index")) for each in tables if {"token", "credential-provider"} & each.keys())

    @property
    def directories(self) -> frozenset[str]:
        """The directories that take the place of registries, from the source's top."""
        tables = tables_of(self.values, "source").values()
        return frozenset(str(table[key]) for table in tables for key in DIRECTORY_KEYS & table.keys())

    def flags(self, kind: Flags, target: str, conditions: frozenset[str]) -> tuple[str, ...] | None:
        """Return the flags of [build], or None when Cargo drops them because [target] has flags for the target."""
        own = {key: words_of(table.get(kind)) for key, table in self._targets.items()}
        if any(words and (key == target or _holds(key, conditions)) for key, words in own.items()):
            return None
        return words_of(self._build.get(kind))

    def for_fetching(self, source: str) -> str:
        """Return the configuration for a Cargo that runs outside of the source, which lies in a directory, as TOML."""
        fetched: dict[str, dict[str, Any]] = {}
        for name, keys in (("registries", _REGISTRY_KEYS), ("source", _SOURCE_KEYS)):
            tables = {
                key: {each: table[each] for each in keys if isinstance(table.get(each), str)}
                for key, table in tables_of(self.values, name).items()
            }
            for table in tables.values():
                for key in DIRECTORY_KEYS & table.keys():
                    table[key] = posixpath.normpath(f"{source}/{table[key]}")
            fetched |= {name: tables} if tables else {}
        versions = table_of(self.values, "resolver").get("incompatible-rust-versions")
        if isinstance(versions, str):
            fetched["resolver"] = {"incompatible-rust-versions": versions}
        if "build-std" in (unstable := table_of(self.values, "unstable")):  # whose crates are fetched, too
            fetched["unstable"] = {"build-std": unstable["build-std"]}
        return tomlkit.dumps(fetched)

    @property
    def _build(self) -> Mapping[str, Any]:
        return table_of(self.values, "build")

    @property
    def _targets(self) -> Mapping[str, Mapping[str, Any]]:
        return tables_of(self.values, "target")

    def _program(self, key: str, *place: str) -> NamedProgram | None:
        """Return a program on PATH or by an absolute path. Others lie in the source, where the build may make them."""
        value = table_of(self.values, *place).get(key)
        name = next(iter(words_of(value)), None) if key == "runner" else value  # which may have arguments
        if not isinstance(name, str) or not name or not name.isprintable() or ("/" in name[1:] and name[0] != "/"):
            return None
        file = next((each for each in reversed(self.files) if key in table_of(each.values, *place)), self.files[-1])
        path = visible(".".join((*place, key)))
        return NamedProgram(path, name, file.path, line_of(file.text, key, place[-1]))


def _expanded(name: str, aliases: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    words, seen = aliases[name], {name}
    while words and words[0] in aliases and words[0] not in seen:
        seen.add(words[0])
        words = (*aliases[words[0]], *words[1:])
    return words


def _holds(key: str, conditions: frozenset[str]) -> bool:
    return key.startswith("cfg(") and key.endswith(")") and condition_holds(key[4:-1], conditions)
