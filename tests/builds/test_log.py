"""A crate's log is bounded in bytes and in lines; errors after the limit are still found."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.builds import log
from generator.builds.log import LAST_LINES, CommandOutput, CrateLog
from generator.redaction import Redactor
from generator.reports.models import CrateReport, PhaseName
from generator.sandboxes.lines import MIN_LINE_COST

ERROR = ["error[E0308]: mismatched s3cr3t types", " --> src/lib.rs:2:5"]


class Watched:
    """Counts the lines that are shown."""

    def __init__(self) -> None:
        self.lines = 0

    def line(self, crate: str, text: str) -> None:
        self.lines += 1

    def phase(self, crate: str, phase: PhaseName) -> None: ...

    def finished(self, report: CrateReport) -> None: ...


class Counted(Redactor):
    """Counts the lines that are searched for secrets."""

    lines = 0

    def __call__(self, text: str) -> str:
        self.lines += 1
        return super().__call__(text)


@pytest.mark.parametrize("line", ["", "y", "y" * 200])
@pytest.mark.attack("lines beyond a log's bound cost no search", entry="W13")
def test_lines_behind_the_bound_are_neither_written_nor_shown_nor_searched(
    tmp_path: Path, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "MAX_LOG_BYTES", 1024 * 1024)
    file, watched, redactor = tmp_path / "one.log", Watched(), Counted({"TOKEN": "s3cr3t"})
    with CrateLog("one", file.open("w"), watched, redactor) as crate_log:
        output = CommandOutput(crate_log)
        for each in [line] * 50_000 + ERROR:
            output.feed(each)
        found = output.diagnostics().compiler_error()
    most = 1024 * 1024 / max(MIN_LINE_COST, len(line) + 1) + 1
    assert watched.lines <= most
    assert redactor.lines <= most + LAST_LINES
    written = file.read_text().splitlines()
    assert len(written) == watched.lines
    assert written[-1] == "(the output is longer than 1 MiB: the rest is cut)"
    assert found is not None
    assert (found.message, found.file, found.line) == ("mismatched *** types (E0308)", "src/lib.rs", 2)
