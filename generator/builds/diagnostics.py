"""Diagnostics: errors of compilers and test runners, found in their output line by line."""

from __future__ import annotations

import posixpath
import re
from collections import deque
from dataclasses import dataclass, replace
from typing import Final

from generator.builds.javascript_tests import JavaScriptTests
from generator.builds.network_errors import is_network_error
from generator.text import counted, plain

_RUSTC: Final = re.compile(r"^error(?:\[(E\d{4})\])?: (.{1,500})")
_RUSTC_LOCATION: Final = re.compile(r"^ {1,8}--> ([^:\s][^:]{0,300}):(\d{1,7}):\d{1,7}$")
_TSC: Final = re.compile(r"^([^\s(][^(]{0,300})\((\d{1,7}),\d{1,7}\): error (TS\d{1,6}): (.{1,500})")
_RUST_TEST: Final = re.compile(r"^test (.{1,200}?)(?: - should panic)? \.\.\. FAILED$")
_DOC_TEST: Final = re.compile(r"^(\S{1,300}) - .{0,200}\(line (\d{1,7})\)$")
_PANIC: Final = re.compile(r"^thread '.{1,200}' (?:\(\d+\) )?panicked at ([^:]{1,300}):(\d{1,7}):\d{1,7}:?$")
# A build script's output is indented below cargo's error.
_BUILD_SCRIPT: Final = "failed to run custom build command for "
_SCRIPT_ERRORS: Final = "  --- stderr"
_SCRIPT_PANIC: Final = re.compile(r"^  thread '.{1,200}' (?:\(\d+\) )?panicked at ([^:]{1,300}):(\d{1,7}):\d{1,7}:?$")
_SCRIPT_HINT: Final = re.compile(r"^  (?:note: run with|stack backtrace:| {2,}\d+: | {4,}at )")
_NOT_FOUND: Final = re.compile(
    r"^(?:/\S*/)?(?:ba|da)?sh: (?:line )?(?:\d+: )?(\S{1,200}): (?:command )?not found$"
    r"|^command not found: (\S{1,200})$"  # yarn's own shell, from version 2 on
    r"|^env: ['\u2018](\S{1,200})['\u2019]: No such file"
)
# The name or address that a program has asked for in vain.
_NO_CONNECTION: Final = re.compile(
    r"getaddrinfo (?:ENOTFOUND|EAI_AGAIN) ([\w.-]+)"
    r"|connect (?:ECONNREFUSED|ENETUNREACH|EHOSTUNREACH) (?!127\.|::1|\[::1)([\w.:\[\]]+)"
    r"|[Cc]ould not resolve host: ([\w.-]+)"
    r"|(?:failed to lookup address information|Temporary failure in name resolution)()"
)
# Node's uncaught exceptions: a place, the line of source, carets below it, and then the exception.
_THROWN_AT: Final = re.compile(r"^(?:file://)?((?:/|node:)[^:\s][^:]{0,300}):(\d{1,7})$")
_CARETS: Final = re.compile(r"^\s*\^+$")
# yarn 1 and pnpm name a program that is not there.
_NO_PROGRAM: Final = r'(?:error |\s?ERR_PNPM_RECURSIVE_EXEC_FIRST_FAIL\s{1,2})(?=Command "\S{1,200}" not found)'
_PLAIN: Final = re.compile(rf"^(?:npm error |npm ERR! |\[?[Ee]rror\]?: |{_NO_PROGRAM})(.{{1,500}})")
# Lines of rustc, cargo and npm at the end of every failure.
_SUMMARY: Final = re.compile(
    r"^(aborting due to|could not compile|test failed, to rerun|\d+ targets? failed|code |path |command |workspace "
    r"|location |Lifecycle script|A complete log)"
)


@dataclass(frozen=True)
class Diagnostic:
    """One error in the words of a compiler or test runner, with its file and line."""

    message: str
    file: str | None = None
    line: int | None = None


class Diagnostics:
    """Keeps the first errors, the names of failed tests, and the last lines of an output.

    `directory` is the working directory of the command: JavaScript's tools name files relative to it.
    """

    def __init__(self, directory: str = "") -> None:
        self.missing_command: str | None = None
        self.no_connection: str | None = None
        self._directory, self._javascript = directory, JavaScriptTests()
        self._in_script_errors, self._script_panicked = False, False
        self.has_network_error = False
        self.last: deque[str] = deque(maxlen=40)
        self._errors: list[Diagnostic] = []
        self._plain: Diagnostic | None = None
        self._failed_tests: list[str] = []
        self._panic: tuple[str, int] | None = None
        self._cause_follows = False
        self._thrown_at: tuple[str, int] | None = None
        self._exception_follows = False

    def feed(self, raw: str) -> None:
        """Add one line."""
        line = plain(raw)
        self.last.append(line)
        self.has_network_error = self.has_network_error or is_network_error(line)
        self._search_hints(line)
        for name in self._javascript.feed(line):
            self._fail_test(name[:200])
        if self._errors and self._errors[-1].message.startswith(_BUILD_SCRIPT):
            self._search_build_script(line)
        if self._cause_follows and line.strip():
            self._cause(line.strip())
        elif self._exception_follows and line.strip():
            self._exception(line)
        elif found := _THROWN_AT.match(line):
            self._thrown_at = (found[1], int(found[2]))
        elif self._thrown_at and _CARETS.match(line):
            self._exception_follows = True
        elif line == "Caused by:":
            self._cause_follows = True
        elif found := _RUSTC_LOCATION.match(line):
            self._locate(found[1], int(found[2]))
        elif (found := _RUSTC.match(line)) and not _SUMMARY.match(found[2]):
            self._add(Diagnostic(f"{found[2]} ({found[1]})" if found[1] else found[2]))
        elif found := _TSC.match(line):
            self._add(Diagnostic(f"{found[4]} ({found[3]})", self._from_directory(found[1]), int(found[2])))
        elif found := _RUST_TEST.match(line):
            self._fail_test(found[1])
        elif found := _PANIC.match(line):
            self._panic = self._panic or (found[1], int(found[2]))
        elif (found := _PLAIN.match(line)) and not _SUMMARY.match(found[1]):
            self._plain = self._plain or Diagnostic(found[1])

    def compiler_error(self) -> Diagnostic | None:
        """Return the first compiler error with a file, else the first one, else the first plain error."""
        located = next((each for each in self._errors if each.file), None)
        return located or next(iter(self._errors), None) or self._plain

    def test_failure(self) -> Diagnostic | None:
        """Return the number and names of failed tests, and the location of the first panic."""
        if not self._failed_tests:
            return None
        count = len(self._failed_tests)
        names = ", ".join(self._failed_tests[:5]) + (", ..." if count > 5 else "")
        # rustdoc compiles a doc test as a file of its own: a panic names a line of that file.
        doc_test = _DOC_TEST.match(self._failed_tests[0])
        file, line = (doc_test[1], int(doc_test[2])) if doc_test else self._panic or self._javascript_place()
        return Diagnostic(f"{counted(count, 'test')} failed: {names}", file, line)

    def _javascript_place(self) -> tuple[str, int] | tuple[None, None]:
        if self._javascript.place is None:
            return None, None
        file, line = self._javascript.place
        return self._from_directory(file), line

    def _from_directory(self, file: str) -> str:
        return posixpath.join(self._directory, file)

    def _search_hints(self, line: str) -> None:
        """Keep the first command that does not exist, and the first host that could not be reached."""
        if self.missing_command is None and (found := _NOT_FOUND.match(line)):
            self.missing_command = next(name for name in found.groups() if name)
        if self.no_connection is None and (found := _NO_CONNECTION.search(line)):
            self.no_connection = next((name for name in found.groups() if name), "a host")

    def _search_build_script(self, line: str) -> None:
        """Put the panic of a failed build script, or else the last line on its stderr, in place of its exit code."""
        if line == _SCRIPT_ERRORS:
            self._in_script_errors = True
        elif line and not line.startswith("  "):
            self._in_script_errors = False
        elif self._in_script_errors and line.strip() and not self._script_panicked:
            error = self._errors[-1]
            if found := _SCRIPT_PANIC.match(line):
                self._locate(found[1], int(found[2]))
            elif not _SCRIPT_HINT.match(line):
                script = error.message.split("`: ")[0].rstrip("`")
                self._errors[-1] = replace(error, message=f"{script}`: {line.strip()[:300]}")
                self._script_panicked = error.file is not None

    def _add(self, found: Diagnostic) -> None:
        if len(self._errors) < 50:
            self._errors.append(found)

    def _locate(self, file: str, line: int) -> None:
        if self._errors and self._errors[-1].file is None:
            self._errors[-1] = replace(self._errors[-1], file=file, line=line)

    def _cause(self, text: str) -> None:
        """Add the cause that cargo names to the last error."""
        self._cause_follows = False
        if self._errors and self._errors[-1].file is None and len(self._errors[-1].message) < 800:
            self._errors[-1] = replace(self._errors[-1], message=f"{self._errors[-1].message}: {text[:300]}")
        elif not self._errors and "(signal: " in text:  # a crashed test: cargo prints no other error
            self._plain = self._plain or Diagnostic(text[:300])

    def _exception(self, line: str) -> None:
        """Keep Node's first uncaught exception. A person cannot edit Node's own files, so they are no place."""
        found, place = _PLAIN.match(line), self._thrown_at
        self._exception_follows, self._thrown_at = False, None
        message = found[1] if found else line.strip()[:500]
        file, number = (None, None) if place is None or place[0].startswith("node:") else place
        self._plain = self._plain or Diagnostic(message, file, number)

    def _fail_test(self, name: str) -> None:
        if len(self._failed_tests) < 1_000 and name not in self._failed_tests and name != "failing tests:":
            self._failed_tests.append(name)


def in_repository(found: Diagnostic, workspace: str, root: str) -> Diagnostic:
    """Return the diagnostic with its file relative to the repository.

    `workspace` is the compilers' working directory and `root` the source's top directory, both in the sandbox. A file
    of a dependency or of the standard library is removed: a person cannot edit it.
    """
    if found.file is None:
        return found
    path = posixpath.normpath(posixpath.join(workspace, found.file))
    if path.startswith(root + "/"):
        return replace(found, file=path.removeprefix(root + "/"))
    return replace(found, file=None, line=None)
