"""Programs on the host, such as git, cargo and npm, each with a timeout and a limit of its output.

Code of a crate runs in a sandbox and not here.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
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
from generator.text import message_text

MAX_OUTPUT: Final = 256 * 1024 * 1024
"""Default limit of a program's output in bytes."""

_LOG: Final = logging.getLogger(__name__)
# Seconds between two checks of a running program for its limits and for `stop`.
POLL_SECONDS: Final = 0.1


@dataclass(frozen=True)
class Completed:
    """The result of a program, with both streams complete."""

    exit_code: int
    stdout: bytes
    stderr: str

    @property
    def last_line(self) -> str:
        """The last line of stderr, or the exit code when stderr is empty."""
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
    """Run a program for at most `timeout` seconds, then kill its process group.

    It cannot write a file larger than `largest_file` bytes.

    InputError for a missing program or more than about `limit` bytes of output; Unavailable at the timeout, or when
    `stop` is set.
    """
    with tempfile.TemporaryFile() as copy:  # a pipe needs a writer while the output is read
        if isinstance(stdin, bytes):
            copy.write(stdin)
            copy.seek(0)
        source = copy if isinstance(stdin, bytes) else stdin
        process = start(argv, cwd=cwd, env=env, stdin=source, pass_fds=pass_fds, largest_file=largest_file)
    started = time.monotonic()
    deadline = started + timeout
    try:
        while (streams := _streams(process, argv[0], limit)) is None:
            if stop is not None and stop.is_set():
                raise Unavailable(f"{argv[0]} was stopped")
            if time.monotonic() >= deadline:
                raise Unavailable(f"{argv[0]} gave no answer in {timeout:.0f} s")
    finally:
        kill(process)
        _LOG.debug("%.2f s, exit code %s: %s", time.monotonic() - started, process.returncode, _shown(argv))
    return Completed(process.returncode, streams[0], streams[1].decode(errors="replace"))


def _shown(argv: Sequence[str]) -> str:
    return message_text(shlex.join(argv))


def _streams(process: subprocess.Popen[bytes], program: str, limit: int) -> tuple[bytes, bytes] | None:
    """Return both streams, or None while the program runs; InputError for too much output."""
    try:
        stdout, stderr = process.communicate(timeout=POLL_SECONDS)
    except subprocess.TimeoutExpired as partial:
        _refuse_more_than(limit, program, len(partial.output or b"") + len(partial.stderr or b""))
        return None
    _refuse_more_than(limit, program, len(stdout) + len(stderr))
    return stdout, stderr


def _refuse_more_than(limit: int, program: str, printed: int) -> None:
    if printed > limit:
        raise InputError(f"{program} printed more than {limit // 2**20} MiB")


def output(argv: list[str], *, timeout: float, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> bytes:
    """Return a program's stdout; CratematrixError with the last line of stderr when it fails."""
    completed = run(argv, timeout=timeout, cwd=cwd, env=env)
    if completed.exit_code != 0:
        raise CratematrixError(f"{argv[0]} failed: {completed.last_line[:300]}")
    return completed.stdout


def start(
    argv: list[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: IO[bytes] | int = subprocess.PIPE,
    pass_fds: Sequence[int] = (),
    largest_file: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program with pipes, in a new session; on Linux it is killed when the starting thread ends."""
    try:
        return subprocess.Popen(
            [*_kill_with_parent(argv[0], env), *_limit_files(largest_file), *argv],
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
    """Kill a program of `start` with its process group, and wait for it; do nothing when it has ended."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            _kill_group(process)
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):  # buffered input has no reader
                stream.close()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process group. Windows has none, so there each process of the tree is killed."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
        return
    import psutil  # noqa: PLC0415  only Windows needs it here

    with contextlib.suppress(psutil.NoSuchProcess):
        tree = psutil.Process(process.pid)
        for each in (*tree.children(recursive=True), tree):
            each.kill()


def _limit_files(largest_file: int | None) -> list[str]:
    """Return the prefix of a command that limits the size of its files; POSIX counts blocks of 512 bytes."""
    if largest_file is None or os.name != "posix":
        return []
    return ["/bin/sh", "-c", 'ulimit -c 0; ulimit -f "$1" && shift && exec "$@"', "sh", str(largest_file // 512)]


def _kill_with_parent(program: str, env: Mapping[str, str] | None) -> list[str]:
    """Return the prefix of a command that ends it with this process; empty without setpriv or the program."""
    path = os.environ.get("PATH") if env is None else env.get("PATH")
    return _setpriv() if shutil.which(program, path=path) else []


@cache
def _setpriv() -> list[str]:
    """Return the prefix for setpriv of util-linux; BusyBox lacks the option, and macOS has no setpriv."""
    setpriv, true = shutil.which("setpriv"), shutil.which("true")
    if setpriv is None or true is None:
        return []
    prefix = [setpriv, "--pdeathsig", "TERM", "--"]
    probe = subprocess.run([*prefix, true], capture_output=True, timeout=10, check=False)  # noqa: TID251
    return prefix if probe.returncode == 0 else []
