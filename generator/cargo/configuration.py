"""A project's Cargo configuration: .cargo/config.toml beside the crate and in the directories above it.

Cargo reads these files itself when it compiles. The fetch step runs Cargo outside of the source, and each platform adds
options of its own, so the parts that decide about both are read here:
https://doc.rust-lang.org/cargo/reference/config.html
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import tomlkit

from generator.cargo.conditions import condition_holds
from generator.cargo.directories import ancestors, parent, resolve_path
from generator.cargo.manifests import MAX_SIZE, parse_toml
from generator.errors import InputError
from generator.text import message_text, visible

DIRECTORY: Final = ".cargo"
# Cargo takes the first that exists.
_NAMES: Final = ("config", "config.toml")
# Compiler caches: the program is the same without them, and no cache outlives a sandbox.
_CACHES: Final = frozenset({"sccache", "ccache", "cachepot"})
_WRAPPERS: Final = ("rustc-wrapper", "rustc-workspace-wrapper")
_PROGRAMS: Final = ("rustc", "rustdoc", *_WRAPPERS)
# Keys of [source.NAME] and [registries.NAME] that say where crates come from. Others name programs or hold tokens.
_SOURCE_KEYS: Final = ("registry", "replace-with", "directory", "local-registry", "git", "branch", "tag", "rev")
_REGISTRY_KEYS: Final = ("index", "protocol")
_DIRECTORY_KEYS: Final = frozenset({"directory", "local-registry"})

MAX_FILES: Final = 50

Flags = Literal["rustflags", "rustdocflags"]
TargetProgram = Literal["linker", "runner"]
FLAGS: Final[tuple[Flags, ...]] = ("rustflags", "rustdocflags")
ReadText = Callable[[str], str | None]


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
        return any(key.startswith("cfg(") and keys & table.keys() for key, table in _targets(self.values).items())

    @property
    def unused_caches(self) -> dict[str, str]:
        """The keys of [build] that name a compiler cache, which no sandbox uses, and the cache of each."""
        named = {key: posixpath.basename(str(self._build.get(key, ""))) for key in _WRAPPERS}
        return {key: name for key, name in named.items() if name in _CACHES}

    @property
    def programs(self) -> tuple[NamedProgram, ...]:
        """The programs that [build] names and Cargo looks for on PATH."""
        named = (self._program("build", "build", key) for key in _PROGRAMS if key not in self.unused_caches)
        return tuple(each for each in named if each)

    def target_program(self, key: TargetProgram, target: str, conditions: frozenset[str]) -> NamedProgram | None:
        """Return the program of a target that Cargo looks for, or None. The target's own table comes first."""
        tables = [name for name, table in _targets(self.values).items() if key in table]
        found = target if target in tables else next((name for name in tables if _holds(name, conditions)), None)
        return self._program("target", found, key) if found else None

    @property
    def aliases(self) -> dict[str, str]:
        """Names of own subcommands, each with all the words that it stands for, quoted for a shell."""
        table = _table(self.values, "alias")
        words = {
            name: _words(value)
            for name, value in table.items()
            if re.fullmatch(r"[A-Za-z0-9_-]+", name) and name not in ("b", "build")  # Cargo's own come first
        }
        expanded = {name: _expanded(name, words) for name in words}
        return {name: shlex.join(each) for name, each in expanded.items() if "".join(each).isprintable()}

    @property
    def registries(self) -> frozenset[str]:
        """The addresses of registries, as they are written."""
        named = [each.get("index") for each in _tables(self.values, "registries").values()]
        named += [each.get("registry") for each in _tables(self.values, "source").values()]
        return frozenset(each for each in named if isinstance(each, str))

    @property
    def guarded_registries(self) -> frozenset[str]:
        """The addresses of registries that give crates for a token alone."""
        tables = _tables(self.values, "registries").values()
        return frozenset(str(each.get("index")) for each in tables if {"token", "credential-provider"} & each.keys())

    @property
    def directories(self) -> frozenset[str]:
        """The directories that take the place of registries, from the source's top."""
        tables = _tables(self.values, "source").values()
        return frozenset(str(table[key]) for table in tables for key in _DIRECTORY_KEYS & table.keys())

    def flags(self, kind: Flags, target: str, conditions: frozenset[str]) -> tuple[str, ...] | None:
        """Return the flags of [build], or None when Cargo drops them because [target] has flags for the target."""
        own = {key: _words(table.get(kind)) for key, table in _targets(self.values).items()}
        if any(words and (key == target or _holds(key, conditions)) for key, words in own.items()):
            return None
        return _words(self._build.get(kind))

    def for_fetching(self, source: str) -> str:
        """Return the configuration for a Cargo that runs outside of the source, which lies in a directory, as TOML."""
        fetched: dict[str, dict[str, Any]] = {}
        for name, keys in (("registries", _REGISTRY_KEYS), ("source", _SOURCE_KEYS)):
            tables = {
                key: {each: table[each] for each in keys if isinstance(table.get(each), str)}
                for key, table in _tables(self.values, name).items()
            }
            for table in tables.values():
                for key in _DIRECTORY_KEYS & table.keys():
                    table[key] = posixpath.normpath(f"{source}/{table[key]}")
            fetched |= {name: tables} if tables else {}
        versions = _table(self.values, "resolver").get("incompatible-rust-versions")
        if isinstance(versions, str):
            fetched["resolver"] = {"incompatible-rust-versions": versions}
        if "build-std" in (unstable := _table(self.values, "unstable")):  # whose crates are fetched, too
            fetched["unstable"] = {"build-std": unstable["build-std"]}
        return tomlkit.dumps(fetched)

    @property
    def _build(self) -> Mapping[str, Any]:
        return _table(self.values, "build")

    def _program(self, section: str, table: str, key: str) -> NamedProgram | None:
        """Return a program on PATH or by an absolute path. Others lie in the source, where the build may make them."""

        def values(where: Mapping[str, Any]) -> Mapping[str, Any]:
            return _targets(where).get(table, {}) if section == "target" else _table(where, section)

        value = values(self.values).get(key)
        name = next(iter(_words(value)), None) if key == "runner" else value  # which may have arguments
        if not isinstance(name, str) or not name or not name.isprintable() or ("/" in name[1:] and name[0] != "/"):
            return None
        file = next((each for each in reversed(self.files) if key in values(each.values)), self.files[-1])
        path = f"target.{visible(table)}.{key}" if section == "target" else f"{table}.{key}"
        return NamedProgram(path, name, file.path, _line(file.text, key, table))


def configuration_path(directory: str, read: ReadText) -> str | None:
    """Return the path of a directory's own configuration, or None without one."""
    paths = (posixpath.normpath(f"{directory}/{DIRECTORY}/{name}") for name in _NAMES)
    return next((path for path in paths if read(path) is not None), None)


def read_configuration(directory: str, read: ReadText) -> CargoConfiguration:
    """Merge the configuration of a crate's directory and of all above it, where `read` returns a file's text."""
    reader = _Reader(read)
    merged: dict[str, Any] = {}
    for each in reversed((directory, *ancestors(directory))):
        if (path := configuration_path(each, read)) is not None:
            merged = _merged(merged, reader.load(path, ()))
    return CargoConfiguration(merged, tuple(reader.problems), tuple(reader.files))


class _Reader:
    """Reads files with those that they include, at most MAX_FILES, and collects them and their problems."""

    def __init__(self, read: ReadText) -> None:
        self.problems: list[ConfigurationProblem] = []
        self.files: list[ConfigurationFile] = []
        self._read, self._left = read, MAX_FILES

    def load(self, path: str, above: tuple[str, ...]) -> dict[str, Any]:
        """Return a file's values, over those of the files that it includes; `above` are the files that include it."""
        text = self._read(path) or ""
        self._left -= 1
        try:
            own = parse_toml(text, MAX_SIZE)
        except InputError as error:
            self.problems.append(ConfigurationProblem(path, None, error.message))
            return {}
        included: dict[str, Any] = {}
        for name, optional in _includes(own.pop("include", ())):
            target = resolve_path(parent(path), name)
            is_there = target is not None and self._read(target) is not None
            if target is not None and is_there and target not in (path, *above) and self._left > 0:
                included = _merged(included, self.load(target, (*above, path)))
            elif is_there or not optional:
                sentence = f'include names "{message_text(name)}", which is not in the sandbox: put it beside this file'
                self.problems.append(ConfigurationProblem(path, _line(text, "include"), sentence))
        own = _with_paths_from_top(path, own)
        self.files.append(ConfigurationFile(path, text, own))
        self.problems += [ConfigurationProblem(path, _line(text, key), sentence) for key, sentence in _unsupported(own)]
        return _merged(included, own)


def _unsupported(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the keys that no sandbox can follow, each with a sentence."""
    if "paths" in values:
        yield "paths", "the key paths is not supported: replace the crate by [patch] in Cargo.toml"
    if "patch" in values:
        yield "patch", "[patch] is not supported in Cargo's configuration: move it into the workspace's Cargo.toml"
    build = _table(values, "build")
    for key in _PROGRAMS:
        if str(build.get(key, "")).startswith(("/", "~")):
            yield key, f"build.{key} names a program by its path on one machine: name it relative to the repository"
    for kind in FLAGS:
        if not all(_is_plain(each) for each in _words(build.get(kind))):
            yield kind, f"a word of build.{kind} has a space, which no environment variable can hold: remove it"
    for table in _tables(values, "source").values():
        for key in sorted(_DIRECTORY_KEYS & table.keys()):
            if resolve_path(".", str(table[key])) is None:
                yield key, f"{key} of [source] lies outside of the repository: put it into the repository"


def _with_paths_from_top(path: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values with the directories of [source] from the source's top."""
    base = parent(parent(path))
    tables = {
        name: {
            key: posixpath.normpath(posixpath.join(base, str(value))) if key in _DIRECTORY_KEYS else value
            for key, value in table.items()
        }
        for name, table in _tables(values, "source").items()
    }
    return {**values, "source": tables} if tables else values


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return two tables as one: lists are joined, of other values the second counts."""
    merged = dict(below)
    for key, value in above.items():
        other = merged.get(key)
        if isinstance(other, dict) and isinstance(value, dict):
            merged[key] = _merged(other, value)
        elif isinstance(other, list) and isinstance(value, list):
            merged[key] = [*other, *value]
        else:
            merged[key] = value
    return merged


def _includes(value: object) -> Iterator[tuple[str, bool]]:
    """Yield the paths that `include` names, and whether each may be missing."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str):
            yield each, False
        elif isinstance(each, dict) and isinstance(each.get("path"), str):
            yield each["path"], each.get("optional") is True


def _expanded(name: str, aliases: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    words, seen = aliases[name], {name}
    while words and words[0] in aliases and words[0] not in seen:
        seen.add(words[0])
        words = (*aliases[words[0]], *words[1:])
    return words


def _holds(key: str, conditions: frozenset[str]) -> bool:
    return key.startswith("cfg(") and key.endswith(")") and condition_holds(key[4:-1], conditions)


def _is_plain(word: str) -> bool:
    return word.isprintable() and " " not in word


def _words(value: object) -> tuple[str, ...]:
    """Return a list of words, which may be written as one text."""
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _table(values: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        found = values.get(key)
        values = found if isinstance(found, dict) else {}
    return values


def _tables(values: Mapping[str, Any], key: str) -> dict[str, Mapping[str, Any]]:
    return {name: table for name, table in _table(values, key).items() if isinstance(table, dict)}


def _targets(values: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the tables of [target] by triple or condition."""
    return {key.strip(): table for key, table in _tables(values, "target").items()}


def _line(text: str, key: str, table: str = "") -> int | None:
    """Return the first line that names a key or its table, from the line on that names `table`."""
    start = text.rfind("\n", 0, max(text.find(table), 0)) + 1
    pattern = re.compile(rf'^[ \t]*\[*[ \t]*([\w."-]+\.)?"?{re.escape(key)}"?[ \t]*[\].=]', re.MULTILINE)
    found = pattern.search(text, start)
    if found is None and not table:
        return None
    return text.count("\n", 0, found.start() if found else start) + 1
