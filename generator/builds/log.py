"""The log of a crate: a file of bounded size, live lines for the observer, and the output of its commands."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Final, Self, TextIO

from generator.builds.diagnostics import Diagnostics
from generator.builds.observer import Observer
from generator.redaction import Redactor
from generator.reports.models import PhaseName
from generator.sandboxes.lines import line_cost
from generator.text import plain

# A crate that prints without end fills neither the disk nor the CI's log.
MAX_LOG_BYTES: Final = 32 * 1024 * 1024
# Last lines of a command's output after the log is full: enough for compiler errors or the names of failed tests.
LAST_LINES: Final = 1_000


class CrateLog:
    """Writes a crate's output to a file and to the observer, without secrets; closes the file at the end."""

    def __init__(self, crate: str, file: TextIO, observer: Observer, redactor: Redactor) -> None:
        self._crate, self._file = crate, file
        self._observer, self._redactor = observer, redactor
        self._remaining = MAX_LOG_BYTES

    def __enter__(self) -> Self:
        """Return the log."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._file.close()

    @property
    def full(self) -> bool:
        """True at the size limit: nothing more is written."""
        return self._remaining <= 0

    def phase(self, phase: PhaseName) -> None:
        """Show the observer that the crate entered a phase."""
        self._observer.phase(self._crate, phase)

    def line(self, raw: str) -> str:
        """Write one line and return it without secrets. At the size limit one last line says that the rest is cut."""
        text = self.redacted(raw)
        if not self.full:
            self._remaining -= line_cost(raw)
            written = f"(the output is longer than {MAX_LOG_BYTES >> 20} MiB: the rest is cut)" if self.full else text
            self._file.write(written + "\n")
            self._file.flush()
            self._observer.line(self._crate, written)
        return text

    def redacted(self, raw: str) -> str:
        """Return text on one line, without control characters and secrets."""
        return self._redactor(plain(raw))


class CommandOutput:
    """The output of one command: goes into the log, and into diagnostics.

    Once the log is full, only the last lines are searched, after the command's end. `directory` is the command's.
    """

    def __init__(self, log: CrateLog, directory: str = "") -> None:
        self._log, self._diagnostics = log, Diagnostics(directory)
        self._last = deque[str](maxlen=LAST_LINES)

    def feed(self, line: str) -> None:
        """Add one line."""
        if self._log.full:
            self._last.append(line)
        else:
            self._diagnostics.feed(self._log.line(line))

    def diagnostics(self) -> Diagnostics:
        """Return the diagnostics of all output so far."""
        while self._last:
            self._diagnostics.feed(self._log.redacted(self._last.popleft()))
        return self._diagnostics
