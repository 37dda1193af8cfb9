"""A repository's files, from a checkout or from one git revision, behind the same three verbs."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

from generator.errors import InputError, Unavailable
from generator.processes import Completed, output, run

MAX_FILE: Final = 64 * 1024 * 1024
NOT_SOURCE: Final = frozenset({".git", "target", "node_modules", ".venv", "__pycache__"})

# The user's own git configuration stays in force (proxies, credentials); what a repository may choose does not:
# no hooks, no transports but https and what the user's configuration maps it to, no questions asked.
GIT: Final = ["git", "-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never", "-c", "core.fsmonitor=false"]


@dataclass(frozen=True)
class Entry:
    """One file: its path from the repository's top, in POSIX form, and what it is."""

    path: str
    kind: Literal["file", "executable", "link"]


class Tree(Protocol):
    """The files of a repository."""

    def entries(self) -> tuple[Entry, ...]:
        """Every file, sorted by path."""

    def read(self, path: str) -> bytes:
        """Return a file's bytes, or a link's target; at most `MAX_FILE`, else InputError."""

    def close(self) -> None:
        """Give back what the tree holds."""


class CheckoutTree:
    """The files of a working tree: those git tracks, or all but build output where there is no git."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self._resolved_top = top.resolve()
        self._tracked = (top / ".git").exists()

    def entries(self) -> tuple[Entry, ...]:
        """Every file that exists in the working tree, sorted by path."""
        found = (self._entry(path) for path in (self._from_git() if self._tracked else self._from_walk()))
        return tuple(sorted((entry for entry in found if entry), key=lambda entry: entry.path))

    def read(self, path: str) -> bytes:
        """Return a file's bytes, or a link's target."""
        full = self.top / path
        if full.is_symlink():
            return str(full.readlink()).encode(errors="surrogateescape")
        if full.stat().st_size > MAX_FILE:
            raise InputError(f"{path} is larger than {MAX_FILE // 2**20} MiB", fix=f"git rm --cached {path}")
        return full.read_bytes()

    def close(self) -> None:
        """Nothing is held."""

    def untracked(self, directory: str) -> tuple[str, ...]:
        """Return the files below a directory that git neither tracks nor ignores: they are not built."""
        if not self._tracked:
            return ()
        listed = output(
            [*GIT, "ls-files", "-z", "--others", "--exclude-standard", "--", directory], timeout=60, cwd=self.top
        )
        return tuple(listed.decode(errors="surrogateescape").split("\0")[:-1])

    def _from_git(self) -> list[str]:
        listed = output([*GIT, "ls-files", "-z", "--cached"], timeout=60, cwd=self.top)
        return sorted(set(listed.decode(errors="surrogateescape").split("\0")[:-1]))

    def _from_walk(self) -> list[str]:
        paths: list[str] = []
        for directory, folders, files in os.walk(self.top):
            folders[:] = [name for name in folders if name not in NOT_SOURCE]
            paths += [(Path(directory) / name).relative_to(self.top).as_posix() for name in files]
        return paths

    def _entry(self, path: str) -> Entry | None:
        full = self.top / path
        if not full.parent.resolve().is_relative_to(self._resolved_top):
            raise InputError(f"{path} lies behind a link that leads out of the repository")
        if full.is_symlink():
            return Entry(path, "link")
        if not full.is_file():
            return None  # deleted but still tracked, or a submodule
        return Entry(path, "executable" if full.stat().st_mode & 0o100 else "file")


class RevisionTree:
    """The files of one commit of a remote repository, fetched without history into a private bare repository."""

    def __init__(self, url: str, rev: str, directory: Path) -> None:
        self._rev = rev
        self._git = [*GIT, "--git-dir", str(directory)]
        if not (directory / "HEAD").exists():
            output([*GIT, "init", "--quiet", "--bare", str(directory)], timeout=60)
        if run([*self._git, "cat-file", "-e", f"{rev}^{{commit}}"], timeout=60).exit_code != 0:
            self._fetch(url, rev)

    def entries(self) -> tuple[Entry, ...]:
        """Every file of the commit, sorted by path; submodules are left out."""
        kinds: dict[bytes, Literal["file", "executable", "link"]] = {
            b"100644": "file",
            b"100755": "executable",
            b"120000": "link",
        }
        listed = output([*self._git, "ls-tree", "-r", "-z", self._rev], timeout=120)
        found = []
        for record in listed.split(b"\0")[:-1]:
            head, _, path = record.partition(b"\t")
            if kind := kinds.get(head.split(b" ")[0]):
                found.append(Entry(path.decode(errors="surrogateescape"), kind))
        return tuple(sorted(found, key=lambda entry: entry.path))

    def read(self, path: str) -> bytes:
        """Return a file's bytes, or a link's target."""
        name = f"{self._rev}:{path}"
        size = int(output([*self._git, "cat-file", "-s", name], timeout=60))
        if size > MAX_FILE:
            raise InputError(f"{path} is larger than {MAX_FILE // 2**20} MiB in {self._rev[:12]}")
        return output([*self._git, "cat-file", "blob", name], timeout=120)

    def close(self) -> None:
        """The repository is kept: the next crate of the same revision needs no fetch."""

    def _fetch(self, url: str, rev: str) -> None:
        quiet = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1"}
        done = run([*self._git, "fetch", "--quiet", "--depth=1", "--no-tags", "--", url, rev], timeout=600, env=quiet)
        if done.exit_code != 0:
            raise _fetch_error(url, rev, done)


def _fetch_error(url: str, rev: str, done: Completed) -> InputError | Unavailable:
    last = (done.stderr.strip().splitlines() or ["no message"])[-1][:300]
    if re.search(
        r"not our ref|unadvertised object|not found|Authentication failed|could not read Username", done.stderr
    ):
        return InputError(f"{url} has no commit {rev} that can be read: {last}")
    return Unavailable(f"{url} could not be fetched: {last}")
