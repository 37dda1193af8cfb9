"""The number of tests that ran, from the summaries of Rust's and JavaScript's test runners."""

from __future__ import annotations

import re
from typing import Final

from generator.text import plain

# cargo's line before each file of tests. A file without Rust's own harness prints no summary that is known here.
_STARTED: Final = re.compile(r" +(?:Running|Doc-tests) \S")
_COMPILED: Final = re.compile(r" +Finished `")
# Node begins a line of its summary with \u2139.
_SUMMARY: Final = re.compile(
    r"""
      test\ result:\ \w+\.\ \d+\ passed;                                # Rust
    | \s+Summary\ \[.*\ tests?\ run:                                    # cargo nextest
    | [#\u2139]\ (?:pass|fail|cancelled)\s+\d+$                              # Node, and others that print TAP
    | Tests:\s+(?:.*\ )?\d+\ total$                                     # Jest
    | \s+Tests\s+(?:\d+\ [a-z]+(?:\ \|\ )?)+\ \(\d+\)$                   # Vitest
    | \s+\d+\ (?:passing\ \(|failing$)                                  # Mocha
    | \s+\d+\ (?:tests?\ (?:passed|failed|skipped)|tests?\ todo)$       # AVA
    | No\ test(?:s|\ files)\ found,\ exiting\ with\ code\ 0$            # Jest, Vitest
    | no\ tests\ to\ run!$                                              # wasm-bindgen
    """,
    re.VERBOSE,
)
_RAN: Final = re.compile(
    r"\b(\d+) (?:tests? )?(?:passed|failed|measured|passing|failing)\b|[#\u2139] (?:pass|fail|cancelled)\s+(\d+)$"
)
# wasm-bindgen's, for a file of tests that it does not run.
_BROWSER: Final = re.compile(r"this test suite is only configured to run in a browser\b")


class CountedTests:
    """Counts the tests in an output, line by line."""

    def __init__(self) -> None:
        self._started, self._summaries, self._tests = 0, 0, 0
        self._compiled = False
        self.needs_browser = False

    def feed(self, raw: str) -> None:
        """Add one line."""
        line = plain(raw)
        self._started += _STARTED.match(line) is not None
        self._compiled = self._compiled or _COMPILED.match(line) is not None
        if _BROWSER.match(line):
            self.needs_browser = True
            self._summaries += 1
        elif _SUMMARY.match(line):
            self._summaries += 1
            self._tests += sum(int(one or other) for one, other in _RAN.findall(line))

    def are_none(self, *, cargo: bool) -> bool:
        """Return True if the summaries say that no test ran. With `cargo`, there may be no file of tests at all."""
        if self._tests or self._started > self._summaries:
            return False
        return self._summaries > 0 or (cargo and self._compiled)
