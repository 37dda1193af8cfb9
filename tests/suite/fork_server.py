"""A process that has imported the commands, and forks one process for each command that a test runs.

Imports take most of the processor time of a short command, and the suite runs hundreds. A forked process differs from an
executed one only in them: it has its own variables, directory, arguments, streams and exit code.

A command with other variables of Python or of the locale than the suite's is executed.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, NoReturn

# Clients of services and readers of binaries are left out: few commands need them.
MODULES: Final = (
    *(f"generator.commands.{name}" for name in ("build", "check", "doctor", "generate", "init", "plan", "report")),
    *(f"generator.commands.release_{name}" for name in ("prepare", "publish", "upload", "verify")),
)
# Python reads them before a program starts.
_STARTUP: Final = ("PYTHON", "LC_", "LANG", "TZ", "LD_")
_MESSAGE: Final = b"run"


class ForkServer:
    """The client's end: the process, and the socket to it."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        words = [sys.executable, "-m", "tests.suite.fork_server", str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(words, cwd=Path(__file__).parents[2], pass_fds=(theirs.fileno(),))
        self._lock = threading.Lock()
        self._environment = dict(os.environ)

    def can_run(self, environment: Mapping[str, str]) -> bool:
        """Return True if a forked process has the same view of these variables as an executed one."""
        changed = {name for name, value in {*environment.items()} ^ {*self._environment.items()}}
        return not any(name.startswith(_STARTUP) for name in changed)

    def run(self, words: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> tuple[int, bytes, bytes]:
        """Run the command with these words, and return its exit code and what it wrote to stdout and stderr."""
        sys.audit("subprocess.Popen", words[0], words, str(cwd), dict(environment))
        request = json.dumps({"words": words, "cwd": str(cwd), "environment": dict(environment)}).encode()
        ours, theirs = socket.socketpair()
        with ours, _file(request) as asked, _file() as out, _file() as err:
            with theirs, self._lock:
                descriptors = [each.fileno() for each in (asked, out, err, theirs)]
                socket.send_fds(self._socket, [_MESSAGE], descriptors)
            code = int(ours.makefile("r").read())
            return code, _content(out), _content(err)

    def close(self) -> None:
        """End the process: it ends when its socket does."""
        self._socket.close()
        self._process.wait()


@contextmanager
def _file(content: bytes = b"") -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        yield file


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def serve(connection: socket.socket) -> None:
    """Fork a process for each request until the other end is closed."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that the kernel removes forked processes
    while True:
        _, descriptors, *_ = socket.recv_fds(connection, len(_MESSAGE), 4)
        if not descriptors:
            return
        _import_commands()
        if os.fork() == 0:
            connection.close()
            _answer(*descriptors)
        for each in descriptors:
            os.close(each)


@functools.cache
def _import_commands() -> None:
    for name in MODULES:
        importlib.import_module(name)
    gc.freeze()


def _answer(asked: int, out: int, err: int, answer: int) -> NoReturn:
    """Run a request in a process of its own, and write its exit code to `answer`."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0:
        os.close(answer)
        with open(asked, "rb") as file:
            request = json.load(file)
        _run(request, out, err)
    for each in (asked, out, err):
        os.close(each)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.write(answer, str(code).encode())
    os._exit(0)


def _run(request: Mapping[str, Any], out: int, err: int) -> NoReturn:
    """Do what Python does for a program, from its first line to its exit code."""
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    tempfile.tempdir = None
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.close(out)
    os.close(err)
    encoding, errors = sys.stdout.encoding, sys.stdout.errors
    sys.stdout = open(1, "w", encoding=encoding, errors=errors, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding=encoding, errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.argv = list(request["words"])
    sys.modules["__main__"].__package__ = None  # Click names the program by it and by sys.argv
    code = _exit_code()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def _exit_code() -> int:
    from generator.cli import main  # noqa: PLC0415  not needed where tests are

    code = 0
    try:
        try:
            main()
        finally:
            threading._shutdown()  # type: ignore[attr-defined]
            atexit._run_exitfuncs()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    return code


RUNNING: Final[list[ForkServer]] = []
"""The process of this worker, if it has one: on Linux."""


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
