"""The files of a project's Cargo configuration: .cargo/config.toml beside the crate and in the directories above it.

They are merged as Cargo does it, with those that they include. Keys that no sandbox can follow are problems.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from generator.cargo.configuration import (
    DIRECTORY,
    DIRECTORY_KEYS,
    FLAGS,
    PROGRAMS,
    CargoConfiguration,
    ConfigurationFile,
    ConfigurationProblem,
)
from generator.cargo.directories import ancestors, parent, resolve_path
from generator.cargo.manifests import MAX_SIZE, parse_toml
from generator.cargo.tables import line_of, table_of, tables_of, words_of
from generator.errors import InputError
from generator.text import message_text

# Cargo takes the first that exists.
_NAMES: Final = ("config", "config.toml")
MAX_FILES: Final = 50

ReadText = Callable[[str], str | None]


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
                self.problems.append(ConfigurationProblem(path, line_of(text, "include"), sentence))
        own = _normalized(path, own)
        self.files.append(ConfigurationFile(path, text, own))
        self.problems += [
            ConfigurationProblem(path, line_of(text, key), sentence) for key, sentence in _unsupported(own)
        ]
        return _merged(included, own)


def _unsupported(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the keys that no sandbox can follow, each with a sentence."""
    if "paths" in values:
        yield "paths", "the key paths is not supported: replace the crate by [patch] in Cargo.toml"
    if "patch" in values:
        yield "patch", "[patch] is not supported in Cargo's configuration: move it into the workspace's Cargo.toml"
    build = table_of(values, "build")
    for key in PROGRAMS:
        if str(build.get(key, "")).startswith(("/", "~")):
            yield key, f"build.{key} names a program by its path on one machine: name it relative to the repository"
    for kind in FLAGS:
        if not all(_is_plain(each) for each in words_of(build.get(kind))):
            yield kind, f"a word of build.{kind} has a space, which no environment variable can hold: remove it"
    for table in tables_of(values, "source").values():
        for key in sorted(DIRECTORY_KEYS & table.keys()):
            if resolve_path(".", str(table[key])) is None:
                yield key, f"{key} of [source] lies outside of the repository: put it into the repository"


def _normalized(path: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values with directories of [source] from the source's top, and no spaces around keys of [target]."""
    base = parent(parent(path))
    sources = {
        name: {
            key: posixpath.normpath(posixpath.join(base, str(value))) if key in DIRECTORY_KEYS else value
            for key, value in table.items()
        }
        for name, table in tables_of(values, "source").items()
    }
    targets = {key.strip(): table for key, table in tables_of(values, "target").items()}
    return {**values, **({"source": sources} if sources else {}), **({"target": targets} if targets else {})}


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


def _is_plain(word: str) -> bool:
    return word.isprintable() and " " not in word
