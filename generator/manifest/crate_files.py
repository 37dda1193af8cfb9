"""Cargo.toml and package.json of crates in the manifest's own repository: what the manifest leaves to them.

Such a crate needs no version in the manifest. Where both have one, `check` and `build` compare them before anything is
fetched.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import TypeAdapter, ValidationError

from generator.cargo.directories import ancestors, resolve_path
from generator.cargo.manifests import CargoToml, manifest_path, parse_cargo_toml
from generator.cargo.workspaces import package_version, workspace_root
from generator.errors import InputError
from generator.git import git_output, not_checked_out
from generator.manifest.crate_models import Crate
from generator.manifest.document import Document, Plain
from generator.manifest.models import Manifest
from generator.manifest.problems import Problem
from generator.manifest.settings import npm_name
from generator.manifest.source_models import PathSource
from generator.manifest.values import ScopedName
from generator.text import message_text, quoted

# A package.json has some KiB.
MAX_BYTES: Final = 4 * 1024 * 1024
PACKAGE_ELSEWHERE: Final = 'if it is elsewhere, name its directory in "source" as "package"'
_SCOPED_NAME: Final = TypeAdapter[str](ScopedName)

Key = Literal["version", "name"]
Read = Callable[[str], str | None]
"""Return the text of a file by its path from the repository's top, or None without such a file."""


class CrateFiles:
    """The files that describe the crates of a repository, each read once.

    `directory` is the manifest's, from the repository's top.
    """

    def __init__(self, directory: str, read: Read) -> None:
        self._directory = directory
        self._read = read
        self._cargo: dict[str, CargoToml | None] = {}

    def cargo_path(self, source: PathSource) -> str:
        """Return the path of a crate's Cargo.toml."""
        return manifest_path(self._place(source.path))

    def package_path(self, source: PathSource) -> str:
        """Return the path of an addon's package.json."""
        return posixpath.normpath(f"{self._place(source.package_directory)}/package.json")

    def cargo_version(self, source: PathSource) -> str | None:
        """Return the version that Cargo gives a crate; None if Cargo.toml is missing, or no package's.

        InputError if Cargo.toml is invalid.
        """
        directory = self._place(source.path)
        manifest = self._cargo_toml(directory)
        if manifest is None or manifest.package is None:
            return None
        around = {each: found for each in (directory, *ancestors(directory)) if (found := self._lenient(each))}
        for each, found in [*around.items()]:
            pointer = found.package.workspace if found.package else None
            if pointer and (root := resolve_path(each, pointer)) and (named := self._lenient(root)):
                around[root] = named
        return package_version(manifest.package, workspace_root(directory, around), around)

    def package_json(self, source: PathSource) -> Mapping[str, Any] | None:
        """Return an addon's package.json, or None without one; InputError if it is invalid."""
        path = self.package_path(source)
        text = self._read(path)
        return None if text is None else parse_package_json(path, text)

    def _place(self, path: str) -> str:
        return resolve_path(self._directory, path) or "."

    def _cargo_toml(self, directory: str) -> CargoToml | None:
        if directory not in self._cargo:
            path = manifest_path(directory)
            text = self._read(path)
            try:
                self._cargo[directory] = None if text is None else parse_cargo_toml(text)
            except InputError as error:
                raise InputError(f"{message_text(path)}: {error.message}") from None
        return self._cargo[directory]

    def _lenient(self, directory: str) -> CargoToml | None:
        """Return a Cargo.toml around a crate; an invalid one belongs to other crates as well."""
        try:
            return self._cargo_toml(directory)
        except InputError:
            return None


def parse_package_json(path: str, text: str | bytes) -> dict[str, Any]:
    """Return the object in a package.json; InputError, with its path, for anything else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError(f"{message_text(path)} is not valid JSON") from None
    if not isinstance(found, dict):
        raise InputError(f"{message_text(path)} is not a JSON object")
    return found


def files_of_checkout(top: Path, directory: str) -> CrateFiles:
    """Return the files of a checkout. No link is followed out of it. Git has those that a sparse checkout lacks."""
    absent = cache(lambda: not_checked_out(top))

    def read(path: str) -> str | None:
        try:
            full = (top / path).resolve()
            if not full.is_relative_to(top):
                return None
            if not full.exists() and path in absent():
                data = git_output(["cat-file", "blob", f":{path}"], timeout=60, cwd=top, limit=MAX_BYTES)
            elif full.is_file() and full.stat().st_size <= MAX_BYTES:
                data = full.read_bytes()
            else:
                return None
        # Python before 3.13 raises RuntimeError for a loop of symbolic links.
        except (InputError, OSError, RuntimeError):
            return None
        return data.decode("utf-8-sig", "replace")

    return CrateFiles(directory, read)


def with_values_of_files(document: Document, files: CrateFiles) -> Document:
    """Return the document with what it leaves to the files of its path sources: versions and names."""
    crates = document.plain.get("crates") if isinstance(document.plain, dict) else None
    if not isinstance(document.plain, dict) or not isinstance(crates, list):
        return document
    filled, problems = list[Plain](), list[Problem]()
    for index, entry in enumerate(crates):
        source = _path_source(entry)
        if source is None or not isinstance(entry, dict):
            filled.append(entry)
            continue
        try:
            filled.append({**entry, **_missing_values(entry, source, files)})
        except InputError as error:
            problems.append(Problem(("crates", index, "version"), f"is missing, and {error.message}"))
            filled.append(entry)
    plain: Plain = {**document.plain, "crates": filled}
    return replace(document, plain=plain, problems=(*document.problems, *problems))


def _path_source(entry: Plain) -> PathSource | None:
    try:
        return PathSource.model_validate(entry["source"]) if isinstance(entry, dict) and "source" in entry else None
    except ValidationError:
        return None


def _missing_values(entry: dict[str, Plain], source: PathSource, files: CrateFiles) -> dict[str, Plain]:
    is_addon, name, found = entry.get("kind") == "napi", entry.get("npm_name"), dict[str, Plain]()
    if "version" not in entry:
        package = (files.package_json(source) if is_addon else None) or {}
        version = package.get("version") or files.cargo_version(source)
        if not isinstance(version, str):
            raise InputError(f"{message_text(files.cargo_path(source))} has none")
        found["version"] = version.partition("+")[0]  # npm drops build metadata
    is_unscoped = isinstance(name, str) and not name.startswith("@")
    if is_addon and is_unscoped and "platform_packages" not in entry and (scoped := _scoped_name(files, source)):
        found["platform_packages"] = scoped
    return found


def _scoped_name(files: CrateFiles, source: PathSource) -> str | None:
    """Return the name that the napi key gives an addon's platform packages, if it has a scope."""
    try:
        napi = (files.package_json(source) or {}).get("napi")
        return _SCOPED_NAME.validate_python(napi.get("packageName") if isinstance(napi, dict) else None)
    except (InputError, ValidationError):
        return None


def check_crate_files(manifest: Manifest, files: CrateFiles) -> Iterator[Problem]:
    """Yield a problem for each value of the manifest that differs from the files of a path source."""
    for index, crate in enumerate(manifest.crates):
        try:
            for key, sentence in own_differences(crate, npm_name(manifest.fleet, crate), files):
                own = "name" if key == "name" and crate.npm_name is None else "npm_name" if key == "name" else key
                yield Problem(("crates", index, own), f"{sentence}: make them equal")
        except InputError as error:
            yield Problem(("crates", index, "source"), error.message)


def own_differences(crate: Crate, name: str, files: CrateFiles) -> Iterator[tuple[Key, str]]:
    """Yield how the files of a path source differ from the manifest; InputError for a missing or invalid file."""
    if not isinstance(crate.source, PathSource):
        return
    if crate.kind != "napi":
        version = files.cargo_version(crate.source)
        yield from differences(crate, name, files.cargo_path(crate.source), {"version": version} if version else None)
        return
    path, package = files.package_path(crate.source), files.package_json(crate.source)
    if package is None:
        raise InputError(f"{message_text(path)} is missing: kind napi needs it; {PACKAGE_ELSEWHERE}")
    yield from differences(crate, name, path, package)


def differences(crate: Crate, name: str, file: str, own: Mapping[str, object] | None) -> Iterator[tuple[Key, str]]:
    """Yield each key whose value in a crate's own file differs from the manifest, and a sentence that says so.

    An addon's name and version are those of its package.json, because napi's own projects leave 0.0.0 in Cargo.toml.
    """
    wanted: dict[Key, str] = {"version": crate.version, **({"name": name} if crate.kind == "napi" else {})}
    if own is None:
        return
    for key, value in wanted.items():
        found = own.get(key)
        # npm drops build metadata.
        if (found.partition("+")[0] if key == "version" and isinstance(found, str) else found) != value:
            has = f"no {key}" if found is None else f"{key} {quoted(found)}"
            yield key, f"{message_text(file)} has {has}, the manifest {value}"
