"""The files of one commit. Trees of a remote repository are hostile: git checks little when it fetches."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from generator.errors import InputError
from generator.git import GIT_COMMAND, git_environment, git_output
from generator.processes import kill, start
from generator.sources.repositories import fetch_commit
from generator.sources.tree import MAX_FILE, Entry, kind_of_mode
from generator.text import message_text, shell_word

MAX_ENTRIES: Final = 200_000
MAX_LISTING: Final = 64 * 1024 * 1024
# The longest path that macOS takes; Linux takes 4,096 bytes.
MAX_PATH: Final = 1_024


class CommitTree:
    """The files of one commit of a repository.

    `decode_path` turns a name into a path, or raises InputError. `repair_command` fixes a repository that lost a file.
    """

    def __init__(
        self,
        directory: Path,
        rev: str,
        stop: threading.Event | None = None,
        *,
        decode_path: Callable[[bytes], str] = os.fsdecode,
        repair_command: str | None = None,
    ) -> None:
        self._rev = rev
        self._directory = directory
        self._stop = stop
        self._decode_path = decode_path
        self._repair_command = repair_command
        self._objects: dict[str, bytes] = {}
        self._reader: subprocess.Popen[bytes] | None = None

    def entries(self) -> tuple[Entry, ...]:
        """Return every file and submodule of the commit, sorted by path."""
        # With -t directories are listed too: otherwise git walks nested empty trees without end and prints nothing.
        arguments = ["ls-tree", "-r", "-t", "-l", "-z", "--full-tree", self._rev]
        listed = git_output(
            ["--git-dir", str(self._directory), *arguments], timeout=120, stop=self._stop, limit=MAX_LISTING
        ).split(b"\0")[:-1]
        if len(listed) > MAX_ENTRIES:
            raise InputError(f"{self._rev[:12]} has more than {MAX_ENTRIES:,} files and directories")
        found = [entry for entry in map(self._entry, listed) if entry is not None]
        return tuple(sorted(found, key=lambda entry: entry.path))

    def read(self, path: str) -> bytes:
        """Return a file's bytes, or a link's target."""
        if self._reader is None:
            arguments = ["--git-dir", str(self._directory), "cat-file", "--batch"]
            self._reader = start([*GIT_COMMAND, *arguments], env=git_environment(arguments))
        requests, responses = self._reader.stdin, self._reader.stdout
        assert requests is not None and responses is not None  # noqa: S101, PT018  both are pipes
        with contextlib.suppress(BrokenPipeError):  # then the response is empty
            requests.write(self._objects[path] + b"\n")
            requests.flush()
        _, kind, size = [*responses.readline(200).split(), b"", b"", b""][:3]
        if kind != b"blob":
            raise InputError(f"{message_text(path)} cannot be read in {self._rev[:12]}", fix=self._repair_command)
        if int(size) > MAX_FILE:
            raise InputError(f"{message_text(path)} is larger than {MAX_FILE // 2**20} MiB in {self._rev[:12]}")
        return responses.read(int(size) + 1)[:-1]

    def close(self) -> None:
        """End the git process; the repository is kept."""
        if self._reader is not None:
            kill(self._reader)

    def _entry(self, record: bytes) -> Entry | None:
        """Parse a line of `git ls-tree -l`: mode, type, object and size, a tab, and the path."""
        head, _, name = record.partition(b"\t")
        mode, kind, object_name, size = head.split()
        path = self._decode_path(name)
        if kind == b"commit":
            return Entry(path, "submodule", 0)
        if kind != b"blob":
            return None
        if not size.isdigit():
            raise InputError(f"{message_text(path)} is not a file in {self._rev[:12]}")
        self._objects[path] = object_name
        return Entry(path, kind_of_mode(int(mode, 8)), int(size))


class RevisionTree(CommitTree):
    """The files of one commit, fetched without history into a bare repository in the git cache."""

    def __init__(self, url: str, rev: str, directory: Path, stop: threading.Event | None = None) -> None:
        fetch_commit(url, rev, directory, stop)
        super().__init__(
            directory, rev, stop, decode_path=_decode_checked, repair_command=f"rm -r {shell_word(str(directory))}"
        )


def _decode_checked(name: bytes) -> str:
    """Return the path of a tree entry, or raise InputError; git checks paths only when it writes files."""
    path = name.decode(errors="surrogateescape")
    if len(name) > MAX_PATH:
        reason = f"is longer than {MAX_PATH:,} bytes"
    elif not {"", ".", ".."}.isdisjoint(path.split("/")):
        reason = 'is absolute or has a part that is empty, "." or ".."'
    elif any(character < " " or "\x7f" <= character <= "\x9f" for character in path):
        reason = "holds a control character"
    elif any("\udc80" <= character <= "\udcff" for character in path):
        reason = "is not UTF-8"
    else:
        return path
    raise InputError(f'the path "{message_text(path)}" of the git tree {reason}')
