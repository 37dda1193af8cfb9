"""The git cache: one bare repository per URL, shared by all crates and all runs."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from generator.errors import InputError, Unavailable, Unreachable
from generator.git import git_output, run_git
from generator.processes import POLL_SECONDS, Completed
from generator.text import message_text

# A server that sends less than 1,000 bytes a second for 30 s has stalled; this limit also ends git's helper after git
# was killed. Packs stay packed, because loose objects of an interrupted fetch would look like a complete commit.
# Background maintenance is off, because it would outlive the run.
FETCH_CONFIG: Final = [
    *["-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=30", "-c", "fetch.unpackLimit=1"],
    *["-c", "gc.auto=0", "-c", "maintenance.auto=false"],
]
# Bytes of one fetch, which is one file; no source is larger.
MAX_PACK: Final = 2 * 1024**3
STALE_FILES: Final = ("**/*.lock", "objects/**/tmp_*")


def fetch_commit(url: str, rev: str, directory: Path, stop: threading.Event | None = None) -> None:
    """Fetch a commit into a repository unless it is there; the repository is created or repaired first.

    Raise InputError when the revision is not a commit, or cannot be read or stored. Raise Unavailable when the network
    fails or `stop` is set.
    """
    try:
        with _locked(directory, stop or threading.Event()):
            _repair(directory)
            if _kind(directory, rev) is None:
                _fetch(url, rev, directory, stop)
            if (kind := _kind(directory, rev)) != "commit":
                raise InputError(f"{rev} of {message_text(url)} is a {kind}, not a commit")
    except OSError as error:
        raise InputError(f"{message_text(str(directory))} cannot hold a repository: {error.strerror}") from None


@contextmanager
def _locked(directory: Path, stop: threading.Event) -> Iterator[None]:
    """Lock a repository against other threads and runs; the lock ends with the open file, even after a crash."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    path = directory.with_name(f"{directory.name}.lock")
    lock = FileLock(path, preserve_lock_file=True, poll_interval=POLL_SECONDS, fallback_to_soft=False)
    try:
        lock.acquire(cancel_check=stop.is_set)
    except Timeout:
        raise Unavailable("waiting for another fetch of the same repository was stopped") from None
    try:
        yield
    finally:
        lock.release()


def _repair(directory: Path) -> None:
    """Remove files of a killed run, and recreate the repository when git cannot read it."""
    for stale in [each for pattern in STALE_FILES for each in directory.glob(pattern)]:
        _remove(stale)
    # The command reads the object of every reference, so it fails when one is missing.
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
    """Return the reference of a commit: git writes it after a complete fetch, and it protects the objects."""
    return f"refs/revisions/{rev}"


def _kind(directory: Path, rev: str) -> str | None:
    done = run_git(["--git-dir", str(directory), "cat-file", "-t", _reference(rev)], timeout=60)
    return message_text(done.stdout.decode().strip()) if done.exit_code == 0 else None


def _fetch(url: str, rev: str, directory: Path, stop: threading.Event | None) -> None:
    command = ["fetch", "--quiet", "--depth=1", "--no-tags", "--", url, f"{rev}:{_reference(rev)}"]
    arguments = [*FETCH_CONFIG, "--git-dir", str(directory), *command]
    done = run_git(arguments, timeout=600, stop=stop, largest_file=MAX_PACK)
    if done.exit_code != 0 and _reached_limit(directory):
        raise InputError(f"{message_text(url)} at {rev} is larger than {MAX_PACK // 2**20:,} MiB")
    if done.exit_code != 0:
        raise _fetch_error(url, rev, done)


def _reached_limit(directory: Path) -> bool:
    """Return whether a fetch reached the size limit, which git does not report; remove its partial files."""
    partial = list(directory.glob("objects/**/tmp_*"))
    full = any(each.stat().st_size >= MAX_PACK for each in partial)
    for each in partial if full else ():
        _remove(each)
    return full


def _fetch_error(url: str, rev: str, done: Completed) -> InputError | Unavailable:
    reason = message_text(done.last_line)
    if re.search(
        r"not our ref|unadvertised object|not found|Authentication failed|could not read Username", done.stderr
    ):
        return InputError(f"{message_text(url)} has no commit {rev} that can be read: {reason}")
    if re.search(r"Could not resolve host|Failed to connect|Couldn't connect", done.stderr):
        address = urlsplit(url)
        place = f"{address.hostname}:{address.port or (80 if address.scheme == 'http' else 443)}"
        why = reason.rpartition("': ")[2]
        return Unreachable(f"{message_text(url)} could not be fetched: {place} cannot be reached: {why}")
    return Unavailable(f"{message_text(url)} could not be fetched: {reason}")
