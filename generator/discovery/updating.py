"""An existing manifest, brought up to date with its repository: new crates, gone ones, versions, kinds and places."""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ruamel.yaml.nodes import Node

from generator.discovery.choices import for_platforms
from generator.discovery.crates import Discovery, FoundCrate
from generator.discovery.first_manifest import crate_entry, npm_names, object_text
from generator.discovery.text_edits import Edit, append, apply, child, items, member, parse, remove, replace, scalar
from generator.errors import InputError
from generator.files.output import open_output
from generator.manifest.crate_files import CrateFiles
from generator.manifest.models import Manifest
from generator.manifest.reading import MAX_BYTES, parse_past_manifest

BOM = b"\xef\xbb\xbf"
# An update compares no version that the manifest leaves to the files, and a crate may be gone with its files.
_ANY_FILES: Final = CrateFiles(".", lambda path: '[package]\nname = "x"\n' if path.endswith("Cargo.toml") else None)


@dataclass(frozen=True)
class Update:
    """The text of a manifest before and after, and a line on each change."""

    path: Path
    before: str
    after: str
    changes: tuple[str, ...]

    def diff(self) -> str:
        """Return a unified diff."""
        before, after = (each.splitlines(keepends=True) for each in (self.before, self.after))
        found = difflib.unified_diff(before, after, f"a/{self.path.name}", f"b/{self.path.name}")
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in found)


def update_manifest(path: Path, data: bytes, discovery: Discovery) -> Update:
    """Return the update of a manifest, whose text is `data`, by what was found in its directory.

    What the repository does not say, such as comments, settings and the order of crates, stays as it is.
    """
    manifest = parse_past_manifest(path, data, _ANY_FILES)
    before = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    root = parse(before, is_json=path.suffix.lower() == ".json")
    changes = _Changes(before, root, manifest, discovery, lambda directory: _has_crate(path, directory))
    after = apply(before, changes.edits)
    parse_past_manifest(path, after.encode(), _ANY_FILES)
    return Update(path, before, after, tuple(changes.lines))


def read_manifest(path: Path) -> bytes:
    """Return the text of an existing manifest; InputError when there is none, or a link."""
    with open_output(path.parent) as directory:
        data = directory.read(path.name, MAX_BYTES)
    if data is None:
        raise InputError(f"there is no manifest {path}", fix="cratematrix init")
    return data


def write_update(update: Update, data: bytes) -> None:
    """Write the updated text with the line ends of the old one; InputError if the file changed in the meantime."""
    text = update.after.replace("\n", "\r\n") if b"\r\n" in data else update.after
    with open_output(update.path.parent) as directory:
        if directory.read(update.path.name, MAX_BYTES) != data:
            raise InputError(f"{update.path} changed in the meantime", fix="run the command again")
        directory.write(update.path.name, (BOM if data.startswith(BOM) else b"") + text.encode())


def _has_crate(path: Path, directory: str) -> bool:
    return (path.parent / directory / "Cargo.toml").is_file()


class _Changes:
    """The edits of one update, and a line on each."""

    def __init__(
        self, text: str, root: Node, manifest: Manifest, found: Discovery, has_crate: Callable[[str], bool]
    ) -> None:
        self.edits: list[Edit] = []
        self.lines: list[str] = []
        self._has_crate = has_crate
        self._by_path = {each.path: each for each in found.crates}
        sequence = child(root, "crates")
        entries = items(sequence)
        names = {(scalar(member(each, "name")) or "").lower() for each in entries}
        paths = {directory for each in entries if (directory := _directory(each)) is not None}
        self._moved = {each.name: each for each in found.crates if each.path not in paths}
        gone = [index for index, each in enumerate(entries) if self._compare(each)]
        wanted = for_platforms(found, manifest.fleet.platforms).crates
        new = [each for each in wanted if each.path not in paths and each.name.lower() not in names]
        if len(gone) == len(entries) and not new:
            raise InputError("every crate of the manifest is gone", fix="cratematrix init --force")
        self._forget(text, root, entries, gone)
        self.edits += remove(text, sequence, gone)
        if new:
            self._add(text, sequence, gone, new, manifest, found)

    def _compare(self, entry: Node) -> bool:
        """Note the changes of one crate, and return True if it is gone."""
        name, directory = scalar(member(entry, "name")) or "", _directory(entry)
        if directory is None:
            return False
        crate = self._by_path.get(directory)
        if crate is None and not self._has_crate(directory):
            crate = self._moved.get(name)
            if crate is None:
                self.lines.append(f"{name} is gone: {directory} has no Cargo.toml")
                return True
        for key, value in (("version", crate.version), ("kind", crate.kind)) if crate else ():
            self._set(name, key, member(entry, key), value)
        if crate and directory != crate.path:
            self._set(name, "path", member(member(entry, "source"), "path"), crate.path)
        return False

    def _set(self, name: str, key: str, node: Node | None, value: str) -> None:
        if node is not None and (old := scalar(node)) != value:
            self.edits.append(replace(node, value))
            self.lines.append(f"{name}: {key} {old} becomes {value}")

    def _forget(self, text: str, root: Node, entries: Sequence[Node], gone: Sequence[int]) -> None:
        """Remove the names of gone crates from the lists that name crates."""
        names = {scalar(member(entries[index], "name")) for index in gone}
        left = [each for index, each in enumerate(entries) if index not in gone]
        for owner, key in [(member(root, "fleet"), "canaries"), *((each, "depends_on") for each in left)]:
            named = member(owner, key)
            lost = [index for index, each in enumerate(items(named)) if scalar(each) in names]
            if named is not None and lost:
                self.edits += remove(text, named, lost)

    def _add(
        self,
        text: str,
        sequence: Node,
        gone: Sequence[int],
        new: Sequence[FoundCrate],
        manifest: Manifest,
        found: Discovery,
    ) -> None:
        scope, platforms = manifest.fleet.npm_scope, manifest.fleet.platforms
        named = npm_names(found.crates, scope)
        known = {each.name for each in manifest.crates} | {each.name for each in new}
        entries = [crate_entry(each, scope, named[each.name], platforms) for each in new]
        for entry in entries:
            entry["depends_on"] = [each for each in entry["depends_on"] if each in known]
        self.edits.append(append(text, sequence, gone, entries, object_text))
        self.lines += [f"{each.name} is new: {each.path}, kind {each.kind}" for each in new]


def _directory(entry: Node) -> str | None:
    """Return the directory of a crate of this repository, or None for another source."""
    source = member(entry, "source")
    path = scalar(member(source, "path"))
    return None if path is None or member(source, "git") is not None else posixpath.normpath(path)
