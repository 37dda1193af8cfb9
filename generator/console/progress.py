"""The progress of a build: rows and a bar on a terminal, lines in a pipe, groups in a log of GitHub Actions."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Final

from generator.console.live_progress import LiveProgress
from generator.console.output import is_quiet, is_verbose, print_message, print_workflow_command
from generator.console.tables import rich_console
from generator.github_actions import workflow_commands
from generator.reports.models import CrateReport, PhaseName

# Lines of one crate in a log of GitHub Actions: the page of a long log opens slowly.
MAX_GROUP: Final = 2_000


def build_progress(
    seconds: Mapping[str, float], jobs: int, *, grouped: bool
) -> LineProgress | LiveProgress | GroupedProgress | NoProgress:
    """Return the progress display for a build; `grouped` for a log of GitHub Actions.

    `seconds` are the predicted times of its crates, in the order in which `jobs` slots take them.
    """
    if is_quiet():
        return NoProgress()
    if grouped:
        return GroupedProgress(len(seconds))
    console = rich_console(to_stderr=True)
    if not sys.stderr.isatty() or console.is_dumb_terminal:
        return LineProgress(len(seconds))
    return LiveProgress(seconds, jobs, console, verbose=is_verbose())


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
    """Prints each line of each crate at once, for a pipe, a file or a terminal that cannot move its cursor."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Do nothing: lines stay as they are."""
        yield

    def line(self, crate: str, text: str) -> None:
        """Print one line of a crate's output; empty lines are only in the log."""
        if text.strip():
            self._print(crate, text)

    def phase(self, crate: str, phase: PhaseName) -> None:
        """Print that a crate entered a phase."""
        self._print(crate, f"-- {phase}")

    def finished(self, report: CrateReport) -> None:
        """Print a crate's result."""
        with self._lock:
            self._done += 1
            count = f"{self._done}/{self._total}"
        self._print(report.name, f"== {_result(report)} ({count})")

    def _print(self, crate: str, text: str) -> None:
        with self._lock:
            print_message(f"[{crate}] {text}")


def _result(report: CrateReport) -> str:
    state = report.state.replace("_", " ")
    return f"{state}: {report.failure.message}" if report.failure else state
