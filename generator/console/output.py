"""The one module that prints: data on stdout, messages on stderr, for a terminal, a pipe or a CI log."""

from __future__ import annotations

import io
import logging
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from generator.errors import CratematrixError
from generator.github_actions import workflow_commands
from generator.text import plain, without_commands

# Python sets a closed stream to None; its output is discarded.
sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115

for _stream in (sys.stdout, sys.stderr):
    # The terminal's encoding may lack a character: print its number then.
    if isinstance(_stream, io.TextIOWrapper):
        _stream.reconfigure(errors="backslashreplace")

_redact: Callable[[str], str] = str
_quiet = False


class _Details(logging.Handler):
    """Prints what other packages log, for --verbose."""

    def emit(self, record: logging.LogRecord) -> None:
        print_message(record.getMessage())


def set_quiet() -> None:
    """Print no message from now on, only data and errors."""
    global _quiet  # noqa: PLW0603  a process has one terminal
    _quiet = True


def is_quiet() -> bool:
    """Return whether messages are discarded."""
    return _quiet


def is_verbose() -> bool:
    """Return whether a person wants details, such as the lines of Cargo on a terminal."""
    return bool(logging.getLogger("generator").handlers)


def set_verbose() -> None:
    """Print also what other packages log, such as the programs that run on this machine."""
    logger = logging.getLogger("generator")
    if not logger.handlers:
        logger.addHandler(_Details())
        logger.setLevel(logging.DEBUG)


def set_redactor(redactor: Callable[[str], str]) -> None:
    """Pass all later output through a redactor."""
    global _redact  # noqa: PLW0603  a process has one terminal
    _redact = redactor


def redacted(text: str) -> str:
    """Return a text without the known secrets, to write it somewhere else."""
    return _redact(text)


def printable(text: str) -> str:
    """Return text on one line, without known secrets, control characters and workflow commands."""
    # The redactor can remove text before a command, so commands are removed last.
    return without_commands(_redact(plain(text)))


def print_data(text: str) -> None:
    """Print the result of a command on stdout."""
    text = _redact(text)
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()


def print_message(text: str) -> None:
    """Print lines for a person on stderr, unless they are not wanted; a closed stderr is no error."""
    if not _quiet:
        _print_lines(text)


def print_workflow_command(line: str) -> None:
    """Print a workflow command for GitHub's runner; `print_message` would break it."""
    _write(_redact(line) + "\n")


def print_mask(secret: str, shortest: int) -> None:
    """Print the commands that mask a secret's lines of at least `shortest` characters; they skip the redactor."""
    _write("".join(f"{line}\n" for line in workflow_commands.mask(secret, shortest)))


def print_error(error: CratematrixError) -> None:
    """Print an error: its details first, then one sentence, then the command that fixes it."""
    for line in error.problems:
        _print_lines(line)
    _print_lines(f"error: {error.message}")
    if error.fix:
        _print_lines(f"  fix: {error.fix}")


def print_traceback() -> None:
    """Print the traceback of the current exception."""
    _print_lines(traceback.format_exc().rstrip())


def discard_stderr() -> None:
    """Discard the buffered stderr: Python would exit with 120 when it cannot write it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _print_lines(text: str) -> None:
    _write("".join(printable(line) + "\n" for line in text.split("\n")))


def _write(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        discard_stderr()
