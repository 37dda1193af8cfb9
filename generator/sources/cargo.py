"""What a crate needs from its own repository, read from Cargo.toml files as Cargo reads them."""

from __future__ import annotations

import posixpath
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import tomlkit

from generator.errors import InputError

ReadText = Callable[[str], str | None]
"""Gives a file's text by its path from the repository's top, or None where there is no such file."""


@dataclass(frozen=True)
class Closure:
    """A crate, its path dependencies, and the workspace they are in.

    All are directories from the repository's top, "." for the top itself. `workspace` is None outside of one.
    `patterns` are the workspace's members as written, from the top.
    """

    crate: str
    directories: tuple[str, ...]
    workspace: str | None
    patterns: tuple[str, ...]

    @property
    def lock_directory(self) -> str:
        """Where Cargo.lock lies."""
        return self.crate if self.workspace is None else self.workspace


def closure(crate: str, read: ReadText) -> Closure:
    """Follow path dependencies from the crate; InputError names the Cargo.toml that is missing or broken."""
    workspace = _workspace_of(crate, read)
    shared = _manifest(workspace, read).get("workspace", {}) if workspace is not None else {}
    found: list[str] = []
    waiting = [crate, *_patched(workspace, read)]
    while waiting:
        directory = waiting.pop()
        if directory in found:
            continue
        found.append(directory)
        waiting += _path_dependencies(directory, _manifest(directory, read), workspace, shared)
    patterns = (
        tuple(_join(workspace, pattern) for pattern in shared.get("members", [])) if workspace is not None else ()
    )
    return Closure(crate, tuple(sorted(found)), workspace, patterns)


def belongs(path: str, wanted: Closure, packages: frozenset[str]) -> bool:
    """Whether a file goes into the sandbox; `packages` are all directories of the repository that hold a Cargo.toml.

    It does when it lies in one of the closure's directories, but not in another member of the workspace below it;
    so do the workspace's own files and Cargo's configuration above the crate.
    """
    folder, name = posixpath.split(path)
    folder = folder or "."
    if wanted.workspace is not None and folder == wanted.workspace and name in {"Cargo.toml", "Cargo.lock"}:
        return True
    if posixpath.basename(folder) == ".cargo" and is_within(wanted.crate, posixpath.dirname(folder) or "."):
        return True
    home = next((each for each in _upwards(folder) if each in wanted.directories), None)
    nearest = next((each for each in _upwards(folder) if each in packages), None)
    if home is None or nearest is None or nearest == home or not is_within(nearest, home):
        return home is not None
    return not any(_matches(nearest, pattern) for pattern in wanted.patterns)


def reduced_workspace(text: str, wanted: Closure) -> str:
    """Return the workspace's Cargo.toml with only the closure's directories as members, all else as it was."""
    document = tomlkit.parse(text)
    top = wanted.workspace or "."
    members = [posixpath.relpath(each, top) for each in wanted.directories if each != top and is_within(each, top)]
    table: Any = document["workspace"]
    table["members"] = members
    table.pop("default-members", None)
    return tomlkit.dumps(document)


def is_within(path: str, directory: str) -> bool:
    """Whether a path lies in a directory or is that directory."""
    return directory == "." or path == directory or path.startswith(directory + "/")


def _workspace_of(crate: str, read: ReadText) -> str | None:
    own = _manifest(crate, read)
    if "workspace" in own:
        return crate
    if isinstance(named := own.get("package", {}).get("workspace"), str):
        return _join(crate, named)
    for above in list(_upwards(crate))[1:]:
        if read(_file(above)) is not None and "workspace" in (manifest := _manifest(above, read)):
            excluded = [_join(above, each) for each in manifest["workspace"].get("exclude", [])]
            return None if any(is_within(crate, each) for each in excluded) else above
    return None


def _path_dependencies(
    directory: str, manifest: dict[str, Any], workspace: str | None, shared: dict[str, Any]
) -> Iterator[str]:
    for table in (manifest, *manifest.get("target", {}).values()):
        for section in ("dependencies", "dev-dependencies", "build-dependencies"):
            for name, wanted in table.get(section, {}).items():
                if not isinstance(wanted, dict):
                    continue
                if isinstance(wanted.get("path"), str):
                    yield _join(directory, wanted["path"])
                elif wanted.get("workspace") is True and workspace is not None:
                    inherited = shared.get("dependencies", {}).get(name)
                    if isinstance(inherited, dict) and isinstance(inherited.get("path"), str):
                        yield _join(workspace, inherited["path"])


def _patched(workspace: str | None, read: ReadText) -> list[str]:
    if workspace is None:
        return []
    patches = _manifest(workspace, read).get("patch", {})
    return [
        _join(workspace, wanted["path"])
        for source in patches.values()
        for wanted in source.values()
        if isinstance(wanted, dict) and isinstance(wanted.get("path"), str)
    ]


def _manifest(directory: str, read: ReadText) -> dict[str, Any]:
    path = _file(directory)
    text = read(path)
    if text is None:
        raise InputError(f"{path} is missing, or not tracked by git", fix=f"git add {path}")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: {error}") from None


def _join(directory: str, path: str) -> str:
    joined = posixpath.normpath(posixpath.join(directory, path))
    if joined.startswith(("..", "/")):
        raise InputError(f"{_file(directory)} depends on {path}, which lies outside of the repository")
    return joined


def _file(directory: str) -> str:
    return posixpath.normpath(posixpath.join(directory, "Cargo.toml"))


def _upwards(directory: str) -> Iterator[str]:
    while directory not in {"", "."}:
        yield directory
        directory = posixpath.dirname(directory)
    yield "."


def _matches(directory: str, pattern: str) -> bool:
    parts, wanted = directory.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))
