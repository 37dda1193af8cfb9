"""Bare repositories that commits are fetched into, one per address, shared by all crates and all runs."""

from __future__ import annotations

import fcntl
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from generator.errors import InputError, Unavailable
from generator.processes import POLL, Completed
from generator.sources.names import message_text
from generator.sources.tree import git_output, run_git

# A server that sends less than 1,000 bytes a second for 30 s has stalled; this also ends git's helper when git itself
# was killed. A pack is kept as it came: loose objects of a fetch that was cut short would look like a whole commit.
# Nothing is tidied up in the background, where it would outlive the run.
FETCHING: Final = [
    *["-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=30", "-c", "fetch.unpackLimit=1"],
    *["-c", "gc.auto=0", "-c", "maintenance.auto=false"],
]
# One file holds a whole fetch, more than any source may have.
MAX_PACK: Final = 2 * 1024**3
LEFT_OVERS: Final = ("**/*.lock", "objects/**/tmp_*")


def fetch_commit(url: str, rev: str, directory: Path, stop: threading.Event | None = None) -> None:
    """See that a commit is in a repository, which is made where there is none that works.

    InputError when it is not a commit or cannot be read or kept, Unavailable when the network fails or `stop` is set.
    """
    try:
        with _locked(directory, stop or threading.Event()):
            _mend(directory)
            if _kind(directory, rev) is None:
                _fetch(url, rev, directory, stop)
            if (kind := _kind(directory, rev)) != "commit":
                raise InputError(f"{rev} of {message_text(url)} is a {kind}, not a commit")
    except OSError as error:
        raise InputError(f"{message_text(str(directory))} cannot hold a repository: {error.strerror}") from None


@contextmanager
def _locked(directory: Path, stop: threading.Event) -> Iterator[None]:
    """Keep other threads and other runs out: the lock is the open file's, and ends with it however the run ends."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with directory.with_name(f"{directory.name}.lock").open("ab") as file:
        while not _is_ours(file):
            if stop.wait(POLL):
                raise Unavailable("waiting for another fetch of the same repository was stopped")
        yield


def _is_ours(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _mend(directory: Path) -> None:
    """Remove what a killed run left behind, and make the repository anew where git cannot use it."""
    for left in [each for pattern in LEFT_OVERS for each in directory.glob(pattern)]:
        _remove(left)
    # Names every commit's kind, and so fails where one has lost its object.
    if run_git(["--git-dir", str(directory), "for-each-ref", "--format=%(objecttype)"], timeout=60).exit_code != 0:
        fresh = directory.with_name(f"{directory.name}.new")
        _remove(fresh)
        git_output(["init", "--quiet", "--bare", "--template=", str(fresh)], timeout=60)
        _remove(directory)
        fresh.rename(directory)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _reference(rev: str) -> str:
    """Written by git when all of a commit is there, and keeps it."""
    return f"refs/revisions/{rev}"


def _kind(directory: Path, rev: str) -> str | None:
    done = run_git(["--git-dir", str(directory), "cat-file", "-t", _reference(rev)], timeout=60)
    return message_text(done.stdout.decode().strip()) if done.exit_code == 0 else None


def _fetch(url: str, rev: str, directory: Path, stop: threading.Event | None) -> None:
    words = ["fetch", "--quiet", "--depth=1", "--no-tags", "--", url, f"{rev}:{_reference(rev)}"]
    given = [*FETCHING, "--git-dir", str(directory), *words]
    done = run_git(given, timeout=600, stop=stop, largest_file=MAX_PACK)
    if done.exit_code != 0 and _is_full(directory):
        raise InputError(f"{message_text(url)} at {rev} is larger than {MAX_PACK // 2**20:,} MiB")
    if done.exit_code != 0:
        raise _fetch_error(url, rev, done)


def _is_full(directory: Path) -> bool:
    """Whether a fetch has come to the limit, of which git says nothing; what it left is removed."""
    left = list(directory.glob("objects/**/tmp_*"))
    full = any(each.stat().st_size >= MAX_PACK for each in left)
    for each in left if full else ():
        _remove(each)
    return full


def _fetch_error(url: str, rev: str, done: Completed) -> InputError | Unavailable:
    last = message_text(done.last_words)
    if re.search(
        r"not our ref|unadvertised object|not found|Authentication failed|could not read Username", done.stderr
    ):
        return InputError(f"{message_text(url)} has no commit {rev} that can be read: {last}")
    return Unavailable(f"{message_text(url)} could not be fetched: {last}")
