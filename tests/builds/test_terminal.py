"""A build on a terminal: rows and a bar, failures at once, and the lines of crates only where they are wanted."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import MakeRepository
from tests.support import COMMAND, entry, library

GOOD = {"build": "echo '   Compiling libc v1.0.0'", "test": "true"}


def on_terminal(top: Path, *words: str, term: str) -> str:
    """Run a build on a terminal of its own, and return all that it writes there."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": term, "COLUMNS": "50", "LINES": "24"}
    with subprocess.Popen([COMMAND, "build", "--all", *words], cwd=top, stderr=theirs, env=environment):
        os.close(theirs)
        said = b""
        # Linux reports the end of a terminal as an error.
        while chunk := read(ours):
            said += chunk
    os.close(ours)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.decode()).replace("\r", "\n")


def read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("term", "words", "has_bar", "has_lines"),
    [("xterm", (), True, False), ("xterm", ("--verbose",), True, True), ("dumb", (), False, True)],
)
def test_a_terminal_shows_failures_and_the_next_command(
    repository: MakeRepository, term: str, words: tuple[str, ...], has_bar: bool, has_lines: bool
) -> None:
    bad = {**GOOD, "build": "echo broke; exit 3"}
    top = repository([entry("good", commands=GOOD), entry("bad", commands=bad)], library("good") | library("bad"))
    said = on_terminal(top, *words, term=term)
    assert (" of 2 done" in said, "Compiling libc" in said) == (has_bar, has_lines)
    assert re.search(r"^failed bad: .*3" if has_bar else r"^\[bad\] == failed: ", said, re.MULTILINE)
    assert said.rstrip().endswith("error: 1 of 2 crates failed\n\n  fix: read dist/logs/bad.log")
    row = re.search(r"^good .*built .*\n+  no package: a library", said, re.MULTILINE)
    assert row, "a narrow terminal has the result below its row"
    assert "Compiling libc" in (top / "dist/logs/good.log").read_text()
