"""The Cargo.toml files of a tree, each read on first access."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence

from generator.cargo.directories import ancestors, parent
from generator.cargo.manifests import CargoToml, manifest_path, parse_cargo_toml
from generator.errors import InputError
from generator.sources.tree import Entry, NotTracked, Tree
from generator.text import message_text, shell_word


class TreeManifests(Mapping[str, CargoToml]):
    """The parsed files by directory; access to an invalid file raises InputError, and other files stay readable."""

    def __init__(self, tree: Tree, entries: Sequence[Entry]) -> None:
        self._tree = tree
        self._paths = {
            parent(each.path): each.path
            for each in entries
            if posixpath.basename(each.path) == "Cargo.toml" and each.kind not in ("link", "submodule")
        }
        self._read: dict[str, CargoToml] = {}
        self.submodules = frozenset(each.path for each in entries if each.kind == "submodule")

    def __getitem__(self, directory: str) -> CargoToml:
        path = self._paths[directory]
        if directory not in self._read:
            text = read_text(self._tree, path)
            try:
                self._read[directory] = parse_cargo_toml(text)
            except InputError as error:
                raise InputError(f"{message_text(path)}: {error.message}") from None
        return self._read[directory]

    def __contains__(self, directory: object) -> bool:
        return directory in self._paths

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def missing(self, directory: str) -> InputError:
        """Return the error of a directory without a Cargo.toml."""
        path = message_text(manifest_path(directory))
        around = (each for each in (directory, *ancestors(directory)) if each in self.submodules)
        if submodule := next(around, None):
            return InputError(
                f"{path} lies in the git submodule {message_text(submodule)}, and no file of a submodule enters a "
                "sandbox",
                fix="depend on that repository by git and rev in Cargo.toml, or copy its files into this repository",
            )
        added = manifest_path(directory) if directory == "." else directory
        return NotTracked(f"{path} is missing, or not tracked by git", fix=f"git add {shell_word(added)}")


def read_text(tree: Tree, path: str) -> str:
    """Return a file's text without a byte order mark, which Cargo ignores; raise InputError when it is not UTF-8."""
    try:
        return tree.read(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{message_text(path)} is not UTF-8 text") from None
