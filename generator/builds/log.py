"""One log file per crate, bounded, with the live lines beside it; and what commands print on their way there."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Final, Self, TextIO

from generator.builds.diagnostics import Diagnostics
from generator.builds.observer import Observer
from generator.redaction import Redactor
from generator.sandboxes.lines import line_cost
from generator.text import plain

# A crate that prints for ever fills neither the disk nor the CI's log.
MAX_LOG_BYTES: Final = 32 * 1024 * 1024
# Of a command that prints when the log is full: enough for a compiler's words, or the names of failed tests.
LAST_LINES: Final = 1_000


class CrateLog:
    """Writes a crate's output, without the secrets in it, to a file, which it closes, and to the observer."""

    def __init__(self, crate: str, file: TextIO, observer: Observer, redactor: Redactor) -> None:
        self._crate, self._file = crate, file
        self._observer, self._redactor = observer, redactor
        self._left = MAX_LOG_BYTES

    def __enter__(self) -> Self:
        """Open for the time of one build."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._file.close()

    @property
    def full(self) -> bool:
        """Whether the bound is reached: nothing more is written."""
        return self._left <= 0

    def line(self, raw: str) -> str:
        """Take one line and return it as it may be shown; what is over the bound is left out, and that is said once."""
        text = self.shown(raw)
        if not self.full:
            self._left -= line_cost(raw)
            written = (
                f"(the output is longer than {MAX_LOG_BYTES >> 20} MiB: the rest is left out)" if self.full else text
            )
            self._file.write(written + "\n")
            self._file.flush()
            self._observer.line(self._crate, written)
        return text

    def shown(self, raw: str) -> str:
        """Return a line as it may be shown, on one line and without secrets."""
        return self._redactor(plain(raw))


class CommandOutput:
    """What one command prints: it goes into the log, and what went wrong is found in it.

    Once the log is full, only the last lines are looked at, when the command has ended.
    """

    def __init__(self, log: CrateLog) -> None:
        self._log, self._found = log, Diagnostics()
        self._last = deque[str](maxlen=LAST_LINES)

    def take(self, line: str) -> None:
        """Take one line."""
        if self._log.full:
            self._last.append(line)
        else:
            self._found.feed(self._log.line(line))

    def diagnostics(self) -> Diagnostics:
        """Return what went wrong, by all that was printed until now."""
        while self._last:
            self._found.feed(self._log.shown(self._last.popleft()))
        return self._found
