"""One log file per crate, bounded, and the live lines beside it."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self, TextIO

from generator.builds.observer import Observer
from generator.redaction import Redactor
from generator.text import plain

# A crate that prints for ever fills neither the disk nor the CI's log.
MAX_LOG_BYTES: Final = 32 * 1024 * 1024


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

    def line(self, raw: str) -> str:
        """Take one line and return it as it may be shown; what is over the bound is left out, and that is said once."""
        text = self._redactor(plain(raw))
        if self._left <= 0:
            return text
        written = text
        self._left -= len(text.encode()) + 1
        if self._left <= 0:
            written = f"(the output is longer than {MAX_LOG_BYTES // 2**20} MiB: the rest is left out)"
        self._file.write(written + "\n")
        self._file.flush()
        self._observer.line(self._crate, written)
        return text
