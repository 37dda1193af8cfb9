"""The Cargo.toml files of a tree, each read on first access."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence

from generator.cargo.directories import parent
from generator.cargo.manifests import CargoToml, parse_cargo_toml
from generator.errors import InputError
from generator.npm.files import RepositoryFiles
from generator.sources.tree import Entry, Tree
from generator.text import message_text


class TreeManifests(Mapping[str, CargoToml]):
    """The parsed files by directory; access to an invalid file raises InputError, and other files stay readable."""

    def __init__(self, tree: Tree, entries: Sequence[Entry]) -> None:
        self._tree = tree
        self._paths = {
            parent(each.path): each.path
            for each in entries
            if posixpath.basename(each.path) == "Cargo.toml" and each.kind != "link"
        }
        self._read: dict[str, CargoToml] = {}

    def __getitem__(self, directory: str) -> CargoToml:
        path = self._paths[directory]
        if directory not in self._read:
            try:
                self._read[directory] = parse_cargo_toml(read_text(self._tree, path))
            except InputError as error:
                raise InputError(f"{message_text(path)}: {error.message}") from None
        return self._read[directory]

    def __contains__(self, directory: object) -> bool:
        return directory in self._paths

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def repository_files(tree: Tree, entries: Sequence[Entry]) -> RepositoryFiles:
    """Return the files of a tree, without links, for the rules of npm."""
    paths = frozenset(each.path for each in entries if each.kind != "link")
    return RepositoryFiles(paths, lambda path: read_text(tree, path))


def read_text(tree: Tree, path: str) -> str:
    """Return a file's text without a byte order mark, which Cargo ignores; raise InputError when it is not UTF-8."""
    try:
        return tree.read(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("it is not UTF-8 text") from None
