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
from generator.cargo.manifests import manifest_path
from generator.errors import InputError
from generator.manifest.crate_models import Crate
from generator.manifest.models import Manifest
from generator.manifest.source_models import GitSource, PathSource, RegistrySource
from generator.npm.files import LOCK_FILES
from generator.sources.listing import Listing
from generator.sources.manifests import read_text
from generator.sources.revisions import RevisionTree
from generator.sources.selection import Selection, Wanted, select, wanted
from generator.sources.tree import CheckoutTree, Entry, Tree
from generator.sources.workspace_manifest import trim_workspace
from generator.text import message_text, shell_word

MAX_TOTAL: Final = 1024 * 1024 * 1024
# The format of pointers: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
LFS_POINTER: Final = b"version https://git-lfs.github.com/spec/v1\n"
MAX_POINTER: Final = 1024
_LOCK_FILES: Final = frozenset(("Cargo.lock", *LOCK_FILES))


@dataclass(frozen=True)
class CollectedSource:
    """A crate's source.

    `archive` is None for a registry crate, which the sandbox fetches itself. `directory` holds the crate, `workspace`
    its Cargo workspace and `package` its package.json if that is elsewhere, all relative to the top of the archive.
    `digest` identifies the content without lock files, and `lock_digest` the lock files of Cargo, npm, yarn and pnpm.
    `notes` are sentences for the user. `channel` is the Rust channel that the source asks for.
    """

    archive: Path | None
    directory: str
    workspace: str
    digest: str
    has_lock: bool
    notes: tuple[str, ...] = ()
    package: str | None = None
    channel: RequestedChannel | None = None
    lock_digest: str = ""


@dataclass(frozen=True)
class SourceLocations:
    """The locations of sources: the repository's top, the manifest's directory in it, and a cache for git.

    `stop` cancels waiting for a server. `out` is the output directory: no file below it is a source. `fleet_files` are
    the manifest and what is generated from it, which no crate reads.
    """

    top: Path
    manifest_directory: str
    git_cache: Path
    stop: threading.Event | None = None
    out: Path | None = None
    fleet_files: frozenset[str] = frozenset()


def fleet_files(manifest: Manifest, file: str) -> frozenset[str]:
    """Return the paths, from the repository's top, of the manifest and of the image that is generated from it."""
    return frozenset({file, f"e2b/{manifest.fleet.template}.Dockerfile"})


def repository_top(directory: Path) -> Path:
    """Return the nearest ancestor that holds .git, or else the directory itself."""
    resolved = directory.resolve()
    return next((each for each in (resolved, *resolved.parents) if (each / ".git").exists()), resolved)


def source_locations(
    manifest: Manifest, path: Path, git_cache: Path, out: Path, stop: threading.Event | None = None
) -> SourceLocations:
    """Return the locations of the sources of the manifest at a path."""
    file = path.resolve()
    top = repository_top(file.parent)
    directory, name = (each.relative_to(top).as_posix() for each in (file.parent, file))
    return SourceLocations(top, directory, git_cache, stop, out.resolve(), fleet_files(manifest, name))


def collect(crate: Crate, locations: SourceLocations, archive: Path) -> CollectedSource:
    """Write the crate's source to `archive`.

    Raise InputError when the source is missing or invalid, Unavailable when git cannot fetch it.
    """
    if isinstance(crate.source, RegistrySource):
        named = ["registry", crate.source.registry, crate.source.version]
        return CollectedSource(None, ".", ".", hashlib.sha256(json.dumps(named).encode()).hexdigest(), has_lock=True)
    with closing(open_tree(crate.source, locations)) as tree:
        request = request_of(crate, crate.source, locations)
        notes = _untracked_notes(request, tree) if isinstance(tree, CheckoutTree) else ()
        return _collect(select(request, Listing(tree)), archive, notes)


def open_tree(source: PathSource | GitSource, locations: SourceLocations) -> CheckoutTree | RevisionTree:
    """Return the repository of a source: the checkout, or a commit of another repository, which is fetched first."""
    if isinstance(source, PathSource):
        return CheckoutTree(locations.top, locations.out, locations.stop)
    name = hashlib.sha256(source.git.encode()).hexdigest()[:16]
    return RevisionTree(source.git, source.rev, locations.git_cache / name, locations.stop)


def request_of(crate: Crate, source: PathSource | GitSource, locations: SourceLocations) -> Wanted:
    """Return what a crate asks of the repository of its source."""
    if isinstance(source, PathSource):
        return wanted(crate, source, locations.manifest_directory, locations.fleet_files)
    return wanted(crate, source, ".")


def _checked_entries(selection: Selection) -> list[Entry]:
    """Return the selected files; InputError if they are too large, or if the content of one is not in the commit."""
    listing = selection.listing
    chosen = [entry for path, entry in listing.entries.items() if selection.holds(path)]
    if sum(entry.size for entry in chosen) > MAX_TOTAL:
        directory = message_text(selection.wanted.directory)
        raise InputError(f"the source of {directory} is larger than {MAX_TOTAL // 2**20} MiB")
    for entry in chosen:
        if entry.kind != "link" and entry.size < MAX_POINTER:
            _check_pointer(entry.path, listing.tree)
    return chosen


def _check_pointer(path: str, tree: Tree) -> None:
    """Raise InputError for a pointer of Git LFS, whose text a compiler would take for the file's content."""
    if tree.read(path).startswith(LFS_POINTER):
        in_checkout = isinstance(tree, CheckoutTree)
        raise InputError(
            f"{message_text(path)} is a pointer of Git LFS, without the content"
            + ("" if in_checkout else ": a git source cannot have it, because the commit does not hold the content"),
            fix=f"git lfs pull --include {shell_word(path)}" if in_checkout else None,
        )


def _untracked_notes(request: Wanted, checkout: CheckoutTree) -> tuple[str, ...]:
    directories = dict.fromkeys((request.directory, request.package or request.directory))
    untracked = tuple(dict.fromkeys(name for each in directories for name in checkout.untracked(each)))
    if not untracked:
        return ()
    return (f"files skipped because git does not track them: {len(untracked)}, first {message_text(untracked[0])}",)


def _collect(selection: Selection, archive: Path, notes: tuple[str, ...]) -> CollectedSource:
    closure, listing, package = selection.closure, selection.listing, selection.wanted.package
    chosen = _checked_entries(selection)
    edited = {
        path: trim_workspace(read_text(listing.tree, path), root, closure, listing.manifests).encode()
        for root, path in ((root, manifest_path(root)) for root in closure.workspaces)
    }
    digest, lock_digest = _write(listing.tree, chosen, edited, archive)
    channel = requested_channel(closure.crate, listing.text)
    has_lock = posixpath.normpath(f"{closure.lock_directory}/Cargo.lock") in listing.paths
    elsewhere = package if package != closure.crate else None
    return CollectedSource(
        archive, closure.crate, closure.lock_directory, digest, has_lock, notes, elsewhere, channel, lock_digest
    )


def _write(tree: Tree, entries: list[Entry], edited: Mapping[str, bytes], archive: Path) -> tuple[str, str]:
    """Write the tar, sorted and without times, owners or modes but the executable bit.

    Return the SHA-256 of all that is in it but for lock files, and that of the lock files.
    """
    sources, locks = hashlib.sha256(), hashlib.sha256()
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            data = edited[entry.path] if entry.path in edited else tree.read(entry.path)
            digest = locks if posixpath.basename(entry.path) in _LOCK_FILES else sources
            digest.update(f"{json.dumps([entry.path, entry.kind, len(data)])}\n".encode())
            digest.update(data)
            info = tarfile.TarInfo(entry.path)
            info.mode = 0o755 if entry.kind == "executable" else 0o644
            if entry.kind == "link":
                info.type, info.linkname = tarfile.SYMTYPE, data.decode(errors="surrogateescape")
                tar.addfile(info)
            else:
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return sources.hexdigest(), locks.hexdigest()
