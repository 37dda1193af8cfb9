"""The one module that prints: data on stdout, talk on stderr; to a terminal, a pipe or a CI log."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from generator.errors import CratematrixError
from generator.github_actions import workflow_commands
from generator.text import plain, shown

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.table import Table

    from generator.reports.models import CrateReport, PhaseName

# A stream that the caller closed is None in Python; what would go there goes nowhere.
sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115

for _stream in (sys.stdout, sys.stderr):
    # A character that the terminal's encoding lacks is shown as its number.
    if isinstance(_stream, io.TextIOWrapper):
        _stream.reconfigure(errors="backslashreplace")

# A pipe or a CI log has no width; tables must be neither cut nor folded there.
WIDE = 100_000

# Lines of one crate in a log of GitHub Actions, whose page opens slowly when it is long.
MAX_GROUP = 2_000

_redact: Callable[[str], str] = str


def redact_with(redactor: Callable[[str], str]) -> None:
    """Let nothing be printed from now on that has not passed the redactor."""
    global _redact  # noqa: PLW0603  there is one terminal, and no way around it
    _redact = redactor


def _shown(text: str) -> str:
    # What the redactor takes out with a secret may have stood before a command: commands are looked for last.
    return shown(_redact(plain(text)))


def redacted(text: str) -> str:
    """Return a text without the secrets that are known, for whoever writes it somewhere else."""
    return _redact(text)


def data(text: str) -> None:
    """Print what the command was asked for."""
    text = _redact(text)
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """Print lines for the person who watches; that nobody does any more is no reason to stop."""
    _write("".join(_shown(line) + "\n" for line in text.split("\n")))


def command(line: str) -> None:
    """Give GitHub's runner a command, which `say` would take the meaning from."""
    _write(_redact(line) + "\n")


def mask(secret: str, shortest: int) -> None:
    """Tell GitHub's runner a secret's lines of so many characters: the one thing that no redactor may change."""
    _write("".join(f"{line}\n" for line in workflow_commands.mask(secret, shortest)))


def _write(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        _nobody_listens()


def _nobody_listens() -> None:
    """Send what is still buffered for stderr nowhere; Python would otherwise exit with 120 when it cannot write it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def error(problem: CratematrixError) -> None:
    """Print an error: its details first, then one sentence, then the command that fixes it."""
    for line in problem.problems:
        say(line)
    say(f"error: {problem.message}")
    if problem.fix:
        say(f"  fix: {problem.fix}")


def trace() -> None:
    """Print the traceback of the error that is being handled."""
    import traceback

    say(traceback.format_exc().rstrip())


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, talk: bool = False) -> None:
    """Print a table, as data or as talk; in a terminal the last column is folded to fit."""
    drawing = _rich(talk)
    if drawing.is_terminal:
        drawing.print(_table(columns, rows))
        return
    with drawing.capture() as captured:
        drawing.print(_table(columns, rows))
    # Without a terminal nothing needs the spaces that fill up the last column.
    text = "\n".join(line.rstrip() for line in captured.get().splitlines())
    (say if talk else data)(text)


def _rich(talk: bool) -> RichConsole:
    from rich.console import Console

    stream = sys.stderr if talk else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else WIDE, highlight=False, soft_wrap=False)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        last = column == columns[-1]
        drawn.add_column(column, overflow="fold", no_wrap=not last)
    for row in rows:
        drawn.add_row(*(Text(_shown(cell), style=_STYLES.get(cell, "")) for cell in row))
    return drawn


_STYLES = {"built": "green", "passed": "green", "failed": "red", "skipped": "yellow", "not run": "yellow"}


def progress(total: int, *, grouped: bool) -> BuildProgress | GroupedProgress:
    """Return what shows a build of so many crates; `grouped` for a log of GitHub Actions."""
    return GroupedProgress(total) if grouped else BuildProgress(total)


class GroupedProgress:
    """Shows a build in a log of GitHub Actions: what happens at once, a crate's output as a group when it is done."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._said: dict[str, deque[str]] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Nothing has to be kept on the screen."""
        yield

    def line(self, crate: str, text: str) -> None:
        """Keep one line of a crate's output for its group."""
        if text.strip():
            with self._lock:
                self._said.setdefault(crate, deque(maxlen=MAX_GROUP)).append(text)

    def phase(self, crate: str, phase: PhaseName) -> None:
        """Print that a crate entered a phase."""
        say(f"[{crate}] -- {phase}")
        self.line(crate, f"-- {phase}")

    def finished(self, report: CrateReport) -> None:
        """Print a crate's output as a group, and what became of it."""
        with self._lock:
            said = self._said.pop(report.name, deque())
            self._done += 1
            command(workflow_commands.group(f"output of {report.name}"))
            if len(said) == MAX_GROUP:
                say(f"(the last {MAX_GROUP} lines; the log has all)")
            say("\n".join(said))
            command(workflow_commands.GROUP_END)
            say(f"[{report.name}] == {_ending(report)} ({self._done}/{self._total})")


def _ending(report: CrateReport) -> str:
    state = report.state.replace("_", " ")
    return f"{state}: {report.failure.message}" if report.failure else state


class BuildProgress:
    """Shows a build while it runs: every line of every crate, and in a terminal a status that stays below them."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._active: dict[str, tuple[PhaseName, float]] = {}
        self._lock = threading.Lock()
        self._rich = _rich(talk=True)
        self._terminal = sys.stderr.isatty()

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Keep the status on the terminal for the time of the build."""
        if not self._terminal:
            yield
            return
        from rich.live import Live

        with Live(get_renderable=self._status, console=self._rich, refresh_per_second=4, transient=True):
            yield

    def line(self, crate: str, text: str) -> None:
        """Print one line of a crate's output; in a terminal cut to its width. Empty lines are in the log only."""
        if text.strip():
            self._print(crate, text)

    def phase(self, crate: str, phase: PhaseName) -> None:
        """Note that a crate entered a phase."""
        with self._lock:
            self._active[crate] = (phase, time.monotonic())
        self._print(crate, f"-- {phase}", "cyan")

    def finished(self, report: CrateReport) -> None:
        """Note what became of a crate."""
        with self._lock:
            self._active.pop(report.name, None)
            self._done += 1
            count = f"{self._done}/{self._total}"
        self._print(report.name, f"== {_ending(report)} ({count})", f"bold {_STYLES[report.state.replace('_', ' ')]}")

    def _print(self, crate: str, text: str, style: str = "") -> None:
        from rich.text import Text

        with self._lock:
            if not self._terminal:
                say(f"[{crate}] {text}")
                return
            line = Text.assemble((f"[{crate}] ", "dim"), (_shown(text), style))
            try:
                self._rich.print(line, no_wrap=True, overflow="ellipsis", crop=True)
            except OSError:
                _nobody_listens()

    def _status(self) -> Table:
        now = time.monotonic()
        rows = [(crate, phase, f"{now - since:.0f} s") for crate, (phase, since) in list(self._active.items())]
        return _table((f"{self._done} of {self._total} done", "", ""), rows)
