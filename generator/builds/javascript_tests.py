"""Failed tests in the output of Node, AVA, Bun, Jest, Mocha, tape and Vitest: names, and the first one's place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_DURATION: Final = r"(?:\ [(\[]?[\d.]+\ ?m?s[)\]]?)?"
# Node marks a failure with \u2716, AVA with \u2718, Jest with \u25cf; \u276f stands before a place of Vitest.
_NAMES: Final = re.compile(
    rf"""
      \s*not\ ok\ \d+\ (?:-\ )?(?P<tap>.+?)(?:\ \#\ .*)?
    | \s*\u2716\ (?P<node>.+?){_DURATION}
    | \s+\u2718\ (?:\[fail\]:\ )?(?P<ava>.+?){_DURATION}
    | \s+\u25cf\ (?!Console$|Validation\ |Deprecation\ )(?P<jest>.+)
    | \s*FAIL\ +\S+\ >\ (?P<vitest>.+)
    | \(fail\)\ (?P<bun>.+?){_DURATION}
    """,
    re.VERBOSE,
)
_FILE: Final = r"(?:file://)?(?P<{name}>[^()'\s:]+\.[cm]?[jt]sx?):(?P<{name}_line>\d{{1,7}})"
# Node and TAP name the place of the test; the others give it below the test's name, as a file or as a frame of a stack.
# Bun prints the stack first, and tape writes its frame as a key.
_PLACES: Final = re.compile(
    rf"""
      test\ at\ {_FILE.format(name="node")}:\d+
    | \s+location:\ '{_FILE.format(name="tap")}:\d+'
    | \s+{_FILE.format(name="ava")}
    | \s*\u276f\ (?:.*\ )?{_FILE.format(name="vitest")}:\d+
    | \s+at:?\ (?:.*\ \()?{_FILE.format(name="frame")}:\d+\)?
    """,
    re.VERBOSE,
)
_JEST_FILE: Final = re.compile(r"FAIL (\S+)")
_JEST_SUITE: Final = "Test suite failed to run"
_MOCHA_SUMMARY: Final = re.compile(r"\s+\d+ failing$")
_MOCHA_NAME: Final = re.compile(r" {2}\d+\) (.+)$")
# A heading above the failed tests of Node.
_HEADING: Final = "failing tests:"


class JavaScriptTests:
    """Reads lines, and keeps the names of failed tests and the first place in a file of the package."""

    def __init__(self) -> None:
        self.place: tuple[str, int] | None = None
        self._named = False
        self._last_place: tuple[str, int] | None = None
        self._jest_file = ""
        self._below_mocha_summary = False
        self._mocha_name: list[str] | None = None

    def feed(self, line: str) -> Iterator[str]:
        """Add one line; yield the name of a failed test that it completes."""
        for name in self._names(line):
            self._named = True
            yield name
        if self.place is None and (found := _PLACES.fullmatch(line)):
            kind, file = next((name, text) for name, text in found.groupdict().items() if text)
            if "node_modules/" not in file:
                self._last_place = file, int(found[f"{kind}_line"])
                self.place = self._last_place if self._named or kind == "node" else None

    def _names(self, line: str) -> Iterator[str]:
        if found := _JEST_FILE.fullmatch(line):
            self._jest_file = found[1]
        elif found := _NAMES.fullmatch(line):
            name = next(text for text in found.groups() if text)
            if found["bun"]:
                self.place = self.place or self._last_place
            if name != _HEADING:
                yield self._jest_file if found["jest"] == _JEST_SUITE else name
        elif _MOCHA_SUMMARY.match(line):
            self._below_mocha_summary = True
        elif self._below_mocha_summary:
            yield from self._mocha(line)

    def _mocha(self, line: str) -> Iterator[str]:
        """Yield Mocha's name of a test, which has a line for each suite and ends with a colon."""
        if found := _MOCHA_NAME.match(line):
            self._mocha_name = [found[1]]
        elif self._mocha_name is not None and line.strip():
            self._mocha_name.append(line.strip())
        if self._mocha_name and self._mocha_name[-1].endswith(":"):
            yield " > ".join(self._mocha_name)[:-1]
            self._mocha_name = None
        elif self._mocha_name and len(self._mocha_name) > 20:
            self._mocha_name = None
