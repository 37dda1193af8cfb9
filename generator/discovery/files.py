"""The files of a repository: listing, and reading with a size limit and without following links."""

from __future__ import annotations

import os
import posixpath
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from generator.cargo.manifests import MAX_SIZE
from generator.errors import InputError
from generator.git import GIT_COMMAND, git_environment
from generator.npm.files import PROJECT_FILES, RepositoryFiles
from generator.processes import run

# A path in crates.json has at most 500 characters, so deeper directories are not walked.
MAX_DEPTH: Final = 64
# Bytes of a lock file: those of large workspaces have some MiB.
MAX_LOCK: Final = 64 * 1024 * 1024
BUILD_OUTPUT: Final = frozenset({"target", "node_modules"})
# cargo vendor writes this file into every crate that it copies.
VENDOR_MARKER: Final = ".cargo-checksum.json"
RELEVANT: Final = frozenset({"Cargo.toml", VENDOR_MARKER}) | PROJECT_FILES


def list_files(root: Path) -> tuple[str, ...]:
    """Return the sorted POSIX paths of the files that describe crates and npm packages, and of all *.rs files.

    In a git checkout git lists the tracked and trackable files; otherwise the directories are walked. Build output,
    hidden directories, vendored crates and submodules are skipped.
    """
    listed = {path for path in _from_git(root) or _from_walk(root) if _is_relevant(path) and not _is_hidden(path)}
    vendored = {path.removesuffix(VENDOR_MARKER) for path in listed if path.endswith("/" + VENDOR_MARKER)}
    # Tracked files may be deleted; a link exists even when its target does not.
    return tuple(sorted(path for path in listed if not _is_below(path, vendored) and os.path.lexists(root / path)))


def read_text(root: Path, path: str, limit: int = MAX_SIZE) -> str:
    """Return the text of a listed file; raise InputError with the reason when it cannot be read."""
    full = root / path
    try:
        # Compared as paths: Windows has both kinds of slashes.
        if Path(os.path.realpath(full)) != Path(os.path.realpath(root), path):
            raise InputError("it is a symbolic link or lies behind one, and links are not followed")
        found = full.lstat()
        if not stat.S_ISREG(found.st_mode):
            raise InputError("it is not a regular file")
        if found.st_size > limit:
            raise InputError(f"it is larger than {limit // 2**20} MiB")
        data = full.read_bytes()
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"line {line}: it is not UTF-8 text") from None


def npm_files(root: Path, paths: Iterable[str]) -> RepositoryFiles:
    """Return the listed files for the rules of npm, without links. A file that cannot be read is empty."""

    def read(path: str) -> str:
        try:
            return read_text(root, path, MAX_LOCK)
        except InputError:
            return ""

    found = (path for path in paths if posixpath.basename(path) in PROJECT_FILES and not (root / path).is_symlink())
    return RepositoryFiles(frozenset(found), read)


def git_output(root: Path, *arguments: str) -> bytes | None:
    """Return the output of git, or None when git is missing or fails."""
    if shutil.which("git") is None:
        return None
    done = run([*GIT_COMMAND, *arguments], timeout=60, cwd=root, env=git_environment(arguments))
    return done.stdout if done.exit_code == 0 else None


def _from_git(root: Path) -> list[str]:
    listed = git_output(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard") or b""
    return [os.fsdecode(path) for path in listed.split(b"\0")[:-1]]


def _from_walk(root: Path) -> Iterator[str]:
    pending = [""]
    while pending:
        directory = pending.pop()
        try:
            entries = list(os.scandir(root / directory))
        except OSError:
            continue  # not readable
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                yield directory + entry.name
            elif not _is_hidden(f"{directory}{entry.name}/"):
                pending.append(f"{directory}{entry.name}/")


def _is_hidden(path: str) -> bool:
    directories = path.split("/")[:-1]
    return len(directories) > MAX_DEPTH or any(each in BUILD_OUTPUT or each.startswith(".") for each in directories)


def _is_relevant(path: str) -> bool:
    return path.rpartition("/")[2] in RELEVANT or path.endswith(".rs")


def _is_below(path: str, directories: set[str]) -> bool:
    """Return whether a path starts with one of the directories, which end with a slash."""
    ends = (index + 1 for index, letter in enumerate(path) if letter == "/")
    return any(path[:end] in directories for end in ends)
