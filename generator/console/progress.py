"""The progress of a build: lines for a terminal or a pipe, groups for a log of GitHub Actions."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Final

from rich.live import Live
from rich.table import Table
from rich.text import Text

from generator.console.output import discard_stderr, is_quiet, print_message, print_workflow_command, printable
from generator.console.tables import STATE_STYLES, rich_console, rich_table
from generator.github_actions import workflow_commands
from generator.reports.models import CrateReport, PhaseName

# Lines of one crate in a log of GitHub Actions: the page of a long log opens slowly.
MAX_GROUP: Final = 2_000


def build_progress(total: int, *, grouped: bool) -> LineProgress | GroupedProgress | NoProgress:
    """Return the progress display for a build of `total` crates; `grouped` for a log of GitHub Actions."""
    if is_quiet():
        return NoProgress()
    return GroupedProgress(total) if grouped else LineProgress(total)


class NoProgress:
    """Prints nothing; the report and the logs have all."""

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Do nothing."""
        yield

    def line(self, crate: str, text: str) -> None:
        """Do nothing."""

    def phase(self, crate: str, phase: PhaseName) -> None:
        """Do nothing."""

    def finished(self, report: CrateReport) -> None:
        """Do nothing."""


class GroupedProgress:
    """Prints phases at once, and a crate's output as one group when the crate is finished."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._lines: dict[str, deque[str]] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Do nothing: a log keeps no status on the screen."""
        yield

    def line(self, crate: str, text: str) -> None:
        """Keep one line of a crate's output for its group."""
        if text.strip():
            with self._lock:
                self._lines.setdefault(crate, deque(maxlen=MAX_GROUP)).append(text)

    def phase(self, crate: str, phase: PhaseName) -> None:
        """Print that a crate entered a phase."""
        print_message(f"[{crate}] -- {phase}")
        self.line(crate, f"-- {phase}")

    def finished(self, report: CrateReport) -> None:
        """Print a crate's output as a group, and its result."""
        with self._lock:
            lines = self._lines.pop(report.name, deque())
            self._done += 1
            print_workflow_command(workflow_commands.group(f"output of {report.name}"))
            if len(lines) == MAX_GROUP:
                print_message(f"(the last {MAX_GROUP} lines; the log has all)")
            print_message("\n".join(lines))
            print_workflow_command(workflow_commands.GROUP_END)
            print_message(f"[{report.name}] == {_result(report)} ({self._done}/{self._total})")


class LineProgress:
    """Prints each line of each crate at once; a terminal also shows a status below them."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._active: dict[str, tuple[PhaseName, float]] = {}
        self._lock = threading.Lock()
        self._console = rich_console(to_stderr=True)
        self._terminal = sys.stderr.isatty()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Keep the status on the terminal during the build."""
        if not self._terminal:
            yield
            return
        with Live(get_renderable=self._status, console=self._console, refresh_per_second=4, transient=True):
            yield

    def line(self, crate: str, text: str) -> None:
        """Print one line of a crate's output, cut to a terminal's width; empty lines are only in the log."""
        if text.strip():
            self._print(crate, text)

    def phase(self, crate: str, phase: PhaseName) -> None:
        """Print that a crate entered a phase."""
        with self._lock:
            self._active[crate] = (phase, time.monotonic())
        self._print(crate, f"-- {phase}", "cyan")

    def finished(self, report: CrateReport) -> None:
        """Print a crate's result."""
        with self._lock:
            self._active.pop(report.name, None)
            self._done += 1
            count = f"{self._done}/{self._total}"
        style = f"bold {STATE_STYLES[report.state.replace('_', ' ')]}"
        self._print(report.name, f"== {_result(report)} ({count})", style)

    def _print(self, crate: str, text: str, style: str = "") -> None:
        with self._lock:
            if not self._terminal:
                print_message(f"[{crate}] {text}")
                return
            line = Text.assemble((f"[{crate}] ", "dim"), (printable(text), style))
            try:
                self._console.print(line, no_wrap=True, overflow="ellipsis", crop=True)
            except OSError:
                discard_stderr()

    def _status(self) -> Table:
        now = time.monotonic()
        rows = [(crate, phase, f"{now - since:.0f} s") for crate, (phase, since) in list(self._active.items())]
        return rich_table((f"{self._done} of {self._total} done", "", ""), rows)


def _result(report: CrateReport) -> str:
    state = report.state.replace("_", " ")
    return f"{state}: {report.failure.message}" if report.failure else state
