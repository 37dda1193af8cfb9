"""What compilers and test runners said went wrong, found in their output as it passes."""

from __future__ import annotations

import posixpath
import re
from collections import deque
from dataclasses import dataclass, replace
from typing import Final

from generator.text import counted, plain

_RUSTC: Final = re.compile(r"^error(?:\[(E\d{4})\])?: (.{1,500})")
_RUSTC_PLACE: Final = re.compile(r"^ {1,8}--> ([^:\s][^:]{0,300}):(\d{1,7}):\d{1,7}$")
_TSC: Final = re.compile(r"^([^\s(][^(]{0,300})\((\d{1,7}),\d{1,7}\): error (TS\d{1,6}): (.{1,500})")
_RUST_TEST: Final = re.compile(r"^test (.{1,200}?)(?: - should panic)? \.\.\. FAILED$")
_DOC_TEST: Final = re.compile(r"^(\S{1,300}) - .{0,200}\(line (\d{1,7})\)$")
_PANIC: Final = re.compile(r"^thread '.{1,200}' (?:\(\d+\) )?panicked at ([^:]{1,300}):(\d{1,7}):\d{1,7}:?$")
_NODE_TEST: Final = re.compile(r"^\s*(?:not ok \d+ - |✖ )(.{1,200}?)(?: \([\d.]+ms\))?$")
_PLAIN: Final = re.compile(r"^(?:npm error |npm ERR! |\[?[Ee]rror\]?: )(.{1,500})")
# What rustc, cargo and npm say at the end of every failure, whatever it was.
_SUMMARY: Final = re.compile(
    r"^(aborting due to|could not compile|test failed, to rerun|\d+ targets? failed|code |path |command |workspace "
    r"|location |Lifecycle script|A complete log)"
)


@dataclass(frozen=True)
class Diagnostic:
    """One error in a compiler's or test runner's own words, and the place it named."""

    message: str
    file: str | None = None
    line: int | None = None


class Diagnostics:
    """Reads output line by line and keeps the first error of each sort, the failed tests, and the last lines."""

    def __init__(self) -> None:
        self.last: deque[str] = deque(maxlen=40)
        self._errors: list[Diagnostic] = []
        self._plain: Diagnostic | None = None
        self._failed_tests: list[str] = []
        self._panic: tuple[str, int] | None = None
        self._cause_follows = False

    def feed(self, raw: str) -> None:
        """Take one line."""
        line = plain(raw)
        self.last.append(line)
        if self._cause_follows and line.strip():
            self._cause(line.strip())
        elif line == "Caused by:":
            self._cause_follows = True
        elif found := _RUSTC_PLACE.match(line):
            self._place(found[1], int(found[2]))
        elif (found := _RUSTC.match(line)) and not _SUMMARY.match(found[2]):
            self._add(Diagnostic(f"{found[2]} ({found[1]})" if found[1] else found[2]))
        elif found := _TSC.match(line):
            self._add(Diagnostic(f"{found[4]} ({found[3]})", found[1], int(found[2])))
        elif found := _RUST_TEST.match(line) or _NODE_TEST.match(line):
            self._fail_test(found[1])
        elif found := _PANIC.match(line):
            self._panic = self._panic or (found[1], int(found[2]))
        elif (found := _PLAIN.match(line)) and not _SUMMARY.match(found[1]):
            self._plain = self._plain or Diagnostic(found[1])

    def compiler_error(self) -> Diagnostic | None:
        """Return the first error a compiler named a place for, else its first error, else the first plain one."""
        placed = next((each for each in self._errors if each.file), None)
        return placed or next(iter(self._errors), None) or self._plain

    def test_failure(self) -> Diagnostic | None:
        """Return how many tests failed, their names, and where the first panic was."""
        if not self._failed_tests:
            return None
        count = len(self._failed_tests)
        names = ", ".join(self._failed_tests[:5]) + (", ..." if count > 5 else "")
        # rustdoc compiles what a comment holds as a file of its own, and it panics on a line of that.
        documented = _DOC_TEST.match(self._failed_tests[0])
        file, line = (documented[1], int(documented[2])) if documented else self._panic or (None, None)
        return Diagnostic(f"{counted(count, 'test')} failed: {names}", file, line)

    def _add(self, found: Diagnostic) -> None:
        if len(self._errors) < 50:
            self._errors.append(found)

    def _place(self, file: str, line: int) -> None:
        if self._errors and self._errors[-1].file is None:
            self._errors[-1] = replace(self._errors[-1], file=file, line=line)

    def _cause(self, text: str) -> None:
        """Add what cargo names as the cause to the error before it."""
        self._cause_follows = False
        if self._errors and self._errors[-1].file is None and len(self._errors[-1].message) < 800:
            self._errors[-1] = replace(self._errors[-1], message=f"{self._errors[-1].message}: {text[:300]}")
        elif not self._errors and "(signal: " in text:  # a test that crashed, of which cargo says no more
            self._plain = self._plain or Diagnostic(text[:300])

    def _fail_test(self, name: str) -> None:
        if len(self._failed_tests) < 1_000 and name not in self._failed_tests and name != "failing tests:":
            self._failed_tests.append(name)


def in_repository(found: Diagnostic, workspace: str, root: str) -> Diagnostic:
    """Return the diagnostic with its file named from the repository's top.

    `workspace` is the directory that compilers run in and `root` the source's top, both in the sandbox. A file
    elsewhere (a dependency, the standard library) is no place that a person can edit: it is taken out.
    """
    if found.file is None:
        return found
    path = posixpath.normpath(posixpath.join(workspace, found.file))
    if path.startswith(root + "/"):
        return replace(found, file=path.removeprefix(root + "/"))
    return replace(found, file=None, line=None)
