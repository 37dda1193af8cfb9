"""Collection of a crate's source into one tar; equal files give equal bytes."""

from __future__ import annotations

import hashlib
import io
import json
import posixpath
import tarfile
import threading
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.cargo.channels import RequestedChannel, requested_channel
from generator.cargo.directories import parent, resolve_path
from generator.cargo.manifests import manifest_path
from generator.errors import InputError
from generator.files.digest import sha256_of
from generator.manifest.models import Crate, GitSource, PathSource, RegistrySource
from generator.npm.closure import npm_closure
from generator.sources.closure import dependency_closure, is_in_closure
from generator.sources.manifests import TreeManifests, read_text, repository_files
from generator.sources.revisions import RevisionTree
from generator.sources.tree import CheckoutTree, Entry, Tree
from generator.sources.workspace_manifest import trim_workspace
from generator.text import message_text

MAX_TOTAL: Final = 1024 * 1024 * 1024


@dataclass(frozen=True)
class CollectedSource:
    """A crate's source.

    `archive` is None for a registry crate, which the sandbox fetches itself. `directory` holds the crate, `workspace`
    its Cargo workspace and `package` its package.json if that is elsewhere, all relative to the top of the archive.
    `digest` identifies the content. `notes` are sentences for the user. `channel` is the Rust channel that the source
    asks for.
    """

    archive: Path | None
    directory: str
    workspace: str
    digest: str
    has_lock: bool
    notes: tuple[str, ...] = ()
    package: str | None = None
    channel: RequestedChannel | None = None


@dataclass(frozen=True)
class SourceLocations:
    """The locations of sources: the repository's top, the manifest's directory in it, and a cache for git.

    `stop` cancels waiting for a server. `out` is the output directory: no file below it is a source.
    """

    top: Path
    manifest_directory: str
    git_cache: Path
    stop: threading.Event | None = None
    out: Path | None = None


def repository_top(directory: Path) -> Path:
    """Return the nearest ancestor that holds .git, or else the directory itself."""
    resolved = directory.resolve()
    return next((each for each in (resolved, *resolved.parents) if (each / ".git").exists()), resolved)


def collect(crate: Crate, locations: SourceLocations, archive: Path) -> CollectedSource:
    """Write the crate's source to `archive`.

    Raise InputError when the source is missing or invalid, Unavailable when git cannot fetch it.
    """
    match crate.source:
        case PathSource(path=path, package=package):
            checkout = CheckoutTree(locations.top, locations.out, locations.stop)
            directory, addon = (_below(locations.manifest_directory, each) for each in (path, package or path))
            untracked = dict.fromkeys(name for each in (directory, addon) for name in checkout.untracked(each))
            addon_at = addon if crate.kind == "napi" else None
            return _collect(checkout, directory, addon_at, archive, _untracked_notes((*untracked,)))
        case GitSource(git=url, rev=rev, path=path, package=package):
            name = hashlib.sha256(url.encode()).hexdigest()[:16]
            with closing(RevisionTree(url, rev, locations.git_cache / name, locations.stop)) as tree:
                addon_at = _below(".", package or path) if crate.kind == "napi" else None
                return _collect(tree, _below(".", path), addon_at, archive, ())
        case RegistrySource(registry=name, version=version):
            digest = hashlib.sha256(json.dumps(["registry", name, version]).encode()).hexdigest()
            return CollectedSource(None, ".", ".", digest, has_lock=True)


def _below(directory: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(directory, path))


def _untracked_notes(untracked: tuple[str, ...]) -> tuple[str, ...]:
    if not untracked:
        return ()
    return (f"files skipped because git does not track them: {len(untracked)}, first {message_text(untracked[0])}",)


def _collect(tree: Tree, directory: str, package: str | None, archive: Path, notes: tuple[str, ...]) -> CollectedSource:
    """Collect the crate in a directory; `package` is that of an addon's package.json."""
    entries = tree.entries()
    manifests = TreeManifests(tree, entries)
    npm = npm_closure(package, repository_files(tree, entries)) if package is not None else None
    closure = dependency_closure(directory, manifests, npm)
    chosen = [entry for entry in entries if is_in_closure(entry.path, closure)]
    if sum(entry.size for entry in chosen) > MAX_TOTAL:
        raise InputError(f"the source of {message_text(directory)} is larger than {MAX_TOTAL // 2**20} MiB")
    for entry in chosen:
        _check_link(tree, entry)
    edited = {
        path: trim_workspace(read_text(tree, path), root, closure, manifests).encode()
        for root, path in ((root, manifest_path(root)) for root in closure.workspaces)
    }
    digest = _write(tree, chosen, edited, archive)
    lock = posixpath.normpath(f"{closure.lock_directory}/Cargo.lock")
    files = {entry.path for entry in entries if entry.kind != "link"}
    channel = requested_channel(directory, lambda path: read_text(tree, path) if path in files else None)
    has_lock = any(entry.path == lock for entry in entries)
    elsewhere = package if package != directory else None
    return CollectedSource(archive, directory, closure.lock_directory, digest, has_lock, notes, elsewhere, channel)


def _write(tree: Tree, entries: list[Entry], edited: Mapping[str, bytes], archive: Path) -> str:
    """Write the tar, sorted and without times, owners or modes but the executable bit; return its SHA-256."""
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            data = edited[entry.path] if entry.path in edited else tree.read(entry.path)
            info = tarfile.TarInfo(entry.path)
            info.mode = 0o755 if entry.kind == "executable" else 0o644
            if entry.kind == "link":
                info.type, info.linkname = tarfile.SYMTYPE, data.decode(errors="surrogateescape")
                tar.addfile(info)
            else:
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return sha256_of(archive)


def _check_link(tree: Tree, entry: Entry) -> None:
    if entry.kind != "link":
        return
    target = tree.read(entry.path).decode(errors="surrogateescape")
    if resolve_path(parent(entry.path), target) is None:
        raise InputError(f"{message_text(entry.path)} is a link that leads out of the repository")
