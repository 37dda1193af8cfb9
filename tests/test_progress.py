"""The progress of a build: Cargo's count, the time that is left, and what a terminal of each width shows."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text

from generator.console.live_progress import LiveProgress
from generator.console.status import CrateStatus, after_line, entered, seconds_left
from generator.reports.models import CrateReport, Failure


@pytest.mark.parametrize(
    ("lines", "details"),
    [
        ([], ""),
        (["note: compiling for linux-x64-gnu"], "for linux-x64-gnu"),
        (["   Compiling libc v0.2.1", "   Compiling one v1.0.0 (/build/source)"], "2 packages, one"),
        (["    Checking libc v0.2.1", "note: compiling for wasm32"], "for wasm32"),
        (["note: compiling for wasm32", "   Compiling libc v1.0.0"], "1 package, libc for wasm32"),
        (
            ["Compiling the docs", "   Compiling v1.0.0", f"   Compiling {'x' * 61} v1.0.0", "note: compiling for <b>"],
            "",
        ),
    ],
)
def test_the_count_is_that_of_cargo_for_one_platform(lines: list[str], details: str) -> None:
    status = entered(None, "compile", 1.0)
    for line in lines:
        status = after_line(status, line)
    assert status.details == details


def test_a_phase_that_begins_again_goes_on_and_another_one_counts_anew() -> None:
    status = after_line(entered(None, "compile", 1.0), "   Compiling libc v1.0.0")
    assert entered(status, "compile", 9.0) == status
    assert entered(status, "test", 9.0) == CrateStatus(1.0, "test")


@pytest.mark.parametrize(
    ("waiting", "running", "jobs", "seconds"),
    [
        ([], [], 2, 0),
        ([60, 30], [], 1, 90),
        ([60, 30], [], 2, 60),
        ([60, 30, 30], [10], 2, 70),
        ([10], [5, 7], 2, 15),
        ([], [0, 0], 1, 0),
    ],
)
def test_the_time_that_is_left_is_that_of_the_slots(
    waiting: list[float], running: list[float], jobs: int, seconds: float
) -> None:
    assert seconds_left(waiting, running, jobs) == seconds


class Terminal:
    """A terminal of one width, and a clock that only a test moves."""

    def __init__(self, width: int, crates: dict[str, float], *, height: int = 30, verbose: bool = False) -> None:
        self.now = 100.0
        self._written = io.StringIO()
        self.console = Console(file=self._written, width=width, height=height, force_terminal=True, no_color=True)
        self.progress = LiveProgress(crates, 2, self.console, verbose=verbose, clock=lambda: self.now)

    def shown(self) -> list[str]:
        """Return the lines of the display at this moment."""
        with self.console.capture() as captured:
            self.console.print(self.progress.display())
        return [line.rstrip() for line in Text.from_ansi(captured.get()).plain.splitlines()]

    @property
    def printed(self) -> str:
        return self._written.getvalue()


def report(name: str, state: Any = "built", **more: Any) -> CrateReport:
    return CrateReport(name=name, version="1.0.0", kind="lib", state=state, attempts=1, **more)


FAILURE = Failure(failure_class="permanent", phase="compile", message="mismatched types", file="src/lib.rs", line=7)
CRATES = {"long": 600.0, "a-crate-with-quite-a-long-name-for-a-terminal": 60.0, "short": 30.0, "bad": 10.0}
ONE = {"one": 60.0}


@pytest.mark.parametrize("width", [60, 80, 140])
def test_each_running_crate_has_a_row_and_all_have_one_bar(width: int) -> None:
    terminal = Terminal(width, CRATES)
    first, second, *_ = CRATES
    for name in (first, second):
        terminal.progress.phase(name, "compile")
    terminal.progress.line(second, "   Compiling libc v1.0.0")
    terminal.now += 66
    *rows, bar = terminal.shown()
    assert [row.split()[0][:10] for row in rows] == ["long", "a-crate-wi"]
    assert all(row.endswith("1 min 6 s") for row in rows)
    assert "1 package, libc" in rows[1]
    assert bar.endswith("0 of 4 done  1 min 6 s, about 9 min 50 s left")
    assert max(map(len, (*rows, bar))) <= width


def test_a_crate_that_was_built_corrects_the_time_of_the_others_and_a_failure_is_printed_at_once() -> None:
    terminal = Terminal(80, CRATES)
    terminal.progress.phase("short", "source")
    terminal.progress.finished(report("short", seconds=15.0))
    assert terminal.shown()[-1].endswith("1 of 4 done  0 s, about 5 min left")
    assert terminal.printed == ""
    terminal.progress.finished(report("bad", "failed", failure=FAILURE))
    assert terminal.printed == "failed bad: src/lib.rs:7: mismatched types\n"
    assert "2 of 4 done, 1 failed" in terminal.shown()[-1]


def test_a_crate_that_takes_longer_than_predicted_has_no_time_left() -> None:
    terminal = Terminal(80, ONE)
    terminal.progress.phase("one", "compile")
    terminal.now += 61
    assert terminal.shown()[-1].endswith("1 min 1 s, longer than predicted")


def test_a_crate_that_takes_longer_than_predicted_corrects_the_time_of_the_others() -> None:
    terminal = Terminal(80, {"one": 60.0, "two": 60.0, "three": 60.0})
    terminal.progress.phase("one", "compile")
    terminal.now += 120
    assert terminal.shown()[-1].endswith("2 min, about 2 min left")


def test_a_phase_and_the_end_of_a_crate_are_shown_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal(80, ONE)
    with terminal.progress.running():
        terminal.progress.phase("one", "fetch")
        terminal.progress.phase("one", "compile")
        terminal.progress.finished(report("one", "failed", failure=FAILURE))
    before, after = Text.from_ansi(terminal.printed).plain.split("failed one: src/lib.rs:7: mismatched types")
    assert [line.split()[:2] for line in before.splitlines() if line.startswith("one")][-1] == ["one", "compile"]
    assert ("one  " in after, "1 of 1 done, 1 failed  0 s\n" in after) == (False, True)


@pytest.mark.parametrize(("verbose", "printed"), [(False, ""), (True, "[one] -- compile\n[one] words\n")])
def test_lines_of_crates_are_printed_on_demand(verbose: bool, printed: str) -> None:
    terminal = Terminal(80, ONE, verbose=verbose)
    terminal.progress.phase("one", "compile")
    terminal.progress.line("one", "words")
    terminal.progress.line("one", "  ")
    assert terminal.printed == printed


def test_a_low_terminal_counts_the_crates_that_it_has_no_room_for() -> None:
    terminal = Terminal(80, {f"c{number}": 60.0 for number in range(9)}, height=8)
    for number in range(9):
        terminal.progress.phase(f"c{number}", "fetch")
    rows = terminal.shown()
    assert len(rows) <= 8
    assert rows[-2].startswith("and 4 more")


@pytest.mark.attack("output of a crate never controls the terminal")
def test_no_text_of_a_crate_is_markup_for_the_terminal() -> None:
    terminal = Terminal(140, ONE, verbose=True)
    terminal.progress.phase("one", "compile")
    terminal.progress.line("one", "   Compiling [bold]x[/bold]:tada:\x1b[31m v1.0.0")
    assert "1 package, [bold]x[/bold]:tada:" in terminal.shown()[0]
    message = "[link=x]y[/link]\x1b]0;z\x07"
    terminal.progress.finished(report("one", "failed", failure=FAILURE.model_copy(update={"message": message})))
    assert terminal.printed.splitlines() == [
        "[one] -- compile", "[one]    Compiling [bold]x[/bold]:tada: v1.0.0", "failed one: src/lib.rs:7: [link=x]y[/link]",
    ]  # fmt: skip
