"""The progress of a build on a terminal: a row for each running crate, and below them a bar for all."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column, Table
from rich.text import Text

from generator.console.output import discard_stderr, printable
from generator.console.status import CrateStatus, after_line, entered, seconds_left
from generator.console.tables import STATE_STYLES
from generator.reports.models import CrateReport, PhaseName
from generator.reports.table import result_of
from generator.text import duration

# Rows of the terminal that are not rows of crates: the line that counts the others, the bar and the cursor.
_OTHER_ROWS: Final = 3

# Seconds: a prediction is no better than this.
_SHORTEST: Final = 10


class LiveProgress:
    """Shows running crates, the time that is left, and failures at once; with `verbose` also each line of a crate.

    `seconds` are the predicted times of all crates, in the order in which `jobs` slots take them. Crates that were
    built, or take longer than predicted, correct the prediction of the others.
    """

    def __init__(
        self,
        seconds: Mapping[str, float],
        jobs: int,
        console: Console,
        *,
        verbose: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds, self._jobs, self._console, self._verbose, self._clock = seconds, jobs, console, verbose, clock
        self._waiting = dict(seconds)
        self._running: dict[str, CrateStatus] = {}
        self._failed = 0
        self._predicted = self._actual = 0.0
        self._lock = threading.Lock()
        self._started = clock()
        times = Column(no_wrap=True, overflow="ellipsis", justify="right")
        self._bar = Progress(
            BarColumn(None),
            TextColumn("{task.description}", markup=False, table_column=times),
            console=console,
            expand=True,
        )
        self._task = self._bar.add_task("", total=None)
        self._live = Live(
            get_renderable=self.display,
            console=console,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
        )

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Keep the display on the terminal during the build; messages of others appear above it."""
        with self._live:
            yield

    def line(self, crate: str, text: str) -> None:
        """Count what a line says; empty lines are only in the log."""
        with self._lock:
            if crate in self._running:
                self._running[crate] = after_line(self._running[crate], text)
        if self._verbose and text.strip():
            self._print(Text.assemble((f"[{crate}] ", "dim"), printable(text)))

    def phase(self, crate: str, phase: PhaseName) -> None:
        """Show that a crate entered a phase."""
        with self._lock:
            self._waiting.pop(crate, None)
            self._running[crate] = entered(self._running.get(crate), phase, self._clock())
        self._refresh()
        if self._verbose:
            self._print(Text.assemble((f"[{crate}] ", "dim"), (f"-- {phase}", "cyan")))

    def finished(self, report: CrateReport) -> None:
        """Count a finished crate, and print a failure."""
        with self._lock:
            self._waiting.pop(report.name, None)
            self._running.pop(report.name, None)
            self._failed += report.state == "failed"
            if report.state == "built" and report.attempts:
                self._predicted += self._seconds[report.name]
                self._actual += report.seconds
        self._refresh()
        if report.state == "failed":
            said = printable(f"{report.name}: {result_of(report)}")
            self._print(Text.assemble(("failed ", STATE_STYLES["failed"]), said))

    def display(self) -> Group:
        """Return what the terminal shows at this moment."""
        now = self._clock()
        with self._lock:
            running = dict(self._running)
            passed, left = now - self._started, self._left(now)
            done = len(self._seconds) - len(self._waiting) - len(running)
            failed = f", {self._failed} failed" if self._failed else ""
        words = ", longer than predicted" if running else ""
        if left:
            words = f", about {duration(max(_SHORTEST, round(left, -1)))} left"
        self._bar.update(
            self._task,
            description=f"{done} of {len(self._seconds)} done{failed}  {duration(int(passed))}{words}",
            total=passed + max(_SHORTEST, left),  # the bar is full only at the end
            completed=passed,
        )
        return Group(self._rows(running, now), self._bar)

    def _left(self, now: float) -> float:
        """Return the seconds until the end, predicted; 0 when everything that runs takes longer than predicted."""
        passed = {crate: now - status.started for crate, status in self._running.items()}
        late = {crate: seconds for crate, seconds in passed.items() if seconds >= self._seconds[crate]}
        predicted = self._predicted + sum(self._seconds[crate] for crate in late)
        actual = self._actual + sum(late.values())
        factor = actual / predicted if actual and predicted else 1.0
        running = [
            0.0 if crate in late else max(0.0, self._seconds[crate] * factor - seconds)
            for crate, seconds in passed.items()
        ]
        return seconds_left((each * factor for each in self._waiting.values()), running, self._jobs)

    def _rows(self, running: Mapping[str, CrateStatus], now: float) -> Table:
        """Return a table of the crates that run longest, as many as the terminal has room for."""
        table = Table.grid(padding=(0, 2, 0, 0), expand=True)
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=max(10, self._console.width // 3))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        table.add_column(no_wrap=True, justify="right")
        room = max(1, self._console.height - _OTHER_ROWS)
        shown = list(running.items())[:room]
        for crate, status in shown:
            seconds = duration(int(now - status.started))
            table.add_row(
                Text(printable(crate)), Text(status.phase, "cyan"), Text(printable(status.details), "dim"), seconds
            )
        if more := len(running) - len(shown):
            table.add_row(Text(f"and {more} more", "dim"))
        return table

    def _refresh(self) -> None:
        """Show a change at once: a phase may end, and a failure be printed, before the next regular refresh."""
        if self._live.is_started:
            try:
                self._live.refresh()
            except OSError:
                discard_stderr()

    def _print(self, text: Text) -> None:
        try:
            self._console.print(text, soft_wrap=False)
        except OSError:
            discard_stderr()
