"""Running the user's own tools (git, cargo, node, npm) on the host: never a crate's code, never without a limit."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, BinaryIO, Final

from generator.errors import CratematrixError, InputError, Unavailable

MAX_OUTPUT: Final = 256 * 1024 * 1024
"""Bytes that a tool may print where nothing else is said."""

# How often, in seconds, a run that may be stopped or print too much is looked at.
POLL: Final = 0.1


@dataclass(frozen=True)
class Completed:
    """What a tool said; both streams whole."""

    exit_code: int
    stdout: bytes
    stderr: str

    @property
    def last_line(self) -> str:
        """The last line of its standard error, or how it ended where it said nothing."""
        return (self.stderr.strip().splitlines() or [f"exit {self.exit_code}"])[-1]


def run(
    argv: list[str],
    *,
    timeout: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | BinaryIO = b"",
    stop: threading.Event | None = None,
    limit: int = MAX_OUTPUT,
    pass_fds: Sequence[int] = (),
    largest_file: int | None = None,
) -> Completed:
    """Run a program for at most `timeout` seconds; when it does not end by itself, all that it started is killed.

    None of them can write a file of more than `largest_file` bytes.

    InputError when it is not there or prints more than about `limit` bytes, Unavailable when it hangs or `stop` is set.
    """
    with tempfile.TemporaryFile() as given:  # a pipe would have to be filled while the answer is read
        if isinstance(stdin, bytes):
            given.write(stdin)
            given.seek(0)
        source = given if isinstance(stdin, bytes) else stdin
        process = start(argv, cwd=cwd, env=env, stdin=source, pass_fds=pass_fds, largest_file=largest_file)
    ends = time.monotonic() + timeout
    try:
        while (streams := _streams(process, argv[0], limit)) is None:
            if stop is not None and stop.is_set():
                raise Unavailable(f"{argv[0]} was stopped")
            if time.monotonic() >= ends:
                raise Unavailable(f"{argv[0]} gave no answer in {timeout:.0f} s")
    finally:
        kill(process)
    return Completed(process.returncode, streams[0], streams[1].decode(errors="replace"))


def _streams(process: subprocess.Popen[bytes], program: str, limit: int) -> tuple[bytes, bytes] | None:
    """Both streams whole, or None when there may be more; InputError when it is too much already."""
    try:
        stdout, stderr = process.communicate(timeout=POLL)
    except subprocess.TimeoutExpired as partial:
        _refuse_more_than(limit, program, len(partial.output or b"") + len(partial.stderr or b""))
        return None
    _refuse_more_than(limit, program, len(stdout) + len(stderr))
    return stdout, stderr


def _refuse_more_than(limit: int, program: str, printed: int) -> None:
    if printed > limit:
        raise InputError(f"{program} printed more than {limit // 2**20} MiB")


def output(argv: list[str], *, timeout: float, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> bytes:
    """Return what a program prints; CratematrixError with its last words when it fails."""
    done = run(argv, timeout=timeout, cwd=cwd, env=env)
    if done.exit_code != 0:
        raise CratematrixError(f"{argv[0]} failed: {done.last_line[:300]}")
    return done.stdout


def start(
    argv: list[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: IO[bytes] | int = subprocess.PIPE,
    pass_fds: Sequence[int] = (),
    largest_file: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program with pipes, in a session of its own; on Linux it dies with the thread that started it."""
    try:
        return subprocess.Popen(
            [*_dying_with_its_parent(argv[0], env), *_bounded(largest_file), *argv],
            cwd=cwd,
            env=env,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=pass_fds,
        )
    except FileNotFoundError:
        raise InputError(f"{argv[0]} is not installed, or not on PATH", fix=f"install {argv[0]}") from None
    except OSError as error:
        raise InputError(f"{argv[0]} cannot be run: {error.strerror}") from None


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a program that `start` started, with its process group, and wait for it; nothing when it has ended."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):  # what was still to be written has no reader
                stream.close()


def _bounded(largest_file: int | None) -> list[str]:
    """Words before a command that have the system itself bound its files; POSIX counts blocks of 512 bytes."""
    if largest_file is None:
        return []
    return ["/bin/sh", "-c", 'ulimit -c 0; ulimit -f "$1" && shift && exec "$@"', "sh", str(largest_file // 512)]


def _dying_with_its_parent(program: str, env: Mapping[str, str] | None) -> list[str]:
    """Words before a command that is there, so that it ends when this process is killed; none where nothing can."""
    path = os.environ.get("PATH") if env is None else env.get("PATH")
    return _setpriv() if shutil.which(program, path=path) else []


@cache
def _setpriv() -> list[str]:
    """Setpriv of util-linux; the one of BusyBox cannot do it, and macOS has none."""
    setpriv, true = shutil.which("setpriv"), shutil.which("true")
    if setpriv is None or true is None:
        return []
    words = [setpriv, "--pdeathsig", "TERM", "--"]
    probe = subprocess.run([*words, true], capture_output=True, timeout=10, check=False)  # noqa: TID251
    return words if probe.returncode == 0 else []
