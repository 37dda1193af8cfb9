"""Problems in a manifest and their error messages: `crates.json:12: $.crates[3].version: sentence`.

Manifests are untrusted. Their text reaches a message only through `quoted`, so that no message has control characters,
a second line, or a command to the GitHub runner.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.errors import InputError
from generator.text import escaped, quoted

Location = tuple[str | int, ...]

MAX_PROBLEMS_SHOWN: Final = 50
# A comparison takes some 20 microseconds, and up to 50 problems make this many each.
MAX_COMPARED: Final = 1_000


@dataclass(frozen=True)
class Problem:
    """An error at one location.

    `line` is set if the location alone does not give it. `other` is a second location, whose line is in the message.
    The message suggests the word in `known` that is most like `wrong`. That search is slow, so it runs only for
    problems that are shown, and for at most `MAX_COMPARED` words. `otherwise` ends a message without a suggestion.
    """

    loc: Location
    sentence: str
    line: int | None = None
    other: Location | None = None
    wrong: str = ""
    known: Collection[str] = ()
    otherwise: str = ""


@dataclass(frozen=True)
class PlacedProblem:
    """A problem as it is printed: its line, its JSON path and its sentence."""

    line: int
    path: str
    message: str


class ManifestError(InputError):
    """An invalid manifest, with the problems that are printed; `count` includes those that are not."""

    def __init__(self, file: str, placed: tuple[PlacedProblem, ...], count: int) -> None:
        counted = "1 error" if count == 1 else f"{count:,} errors"
        lines = tuple(f"{file}:{each.line}: {each.path}: {each.message}" for each in placed)
        super().__init__(f"{file} has {counted}", problems=lines)
        self.placed = placed
        self.count = count


def manifest_error(path: Path, problems: Sequence[Problem], line_of: Callable[[Location], int]) -> ManifestError:
    """Return the error with all problems in order of lines, and messages for the first 50."""
    file = escaped(str(path))
    placed = sorted(((line_of(each.loc) if each.line is None else each.line, each) for each in problems), key=_line)
    shown = [
        PlacedProblem(line, json_path(each.loc), _message(each, line_of)) for line, each in placed[:MAX_PROBLEMS_SHOWN]
    ]
    if hidden := placed[MAX_PROBLEMS_SHOWN:]:
        more = f"{len(hidden):,} more from here on; fix those above first"
        shown.append(PlacedProblem(hidden[0][0], "$", more))
    return ManifestError(file, tuple(shown), len(placed))


def _line(placed: tuple[int, Problem]) -> int:
    return placed[0]


def _message(problem: Problem, line_of: Callable[[Location], int]) -> str:
    other = f" (line {line_of(problem.other)})" if problem.other is not None else ""
    near: list[str] = []
    if problem.wrong and len(problem.known) <= MAX_COMPARED:
        near = difflib.get_close_matches(problem.wrong, problem.known, n=1)
    hint = f"; did you mean {quoted(near[0])}?" if near else problem.otherwise
    return f"{problem.sentence}{other}{hint}"


def json_path(loc: Location) -> str:
    """Return a location as a JSON path: `$.crates[3].version`, with unusual keys in brackets and quotes."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else _member(step) for step in loc)


def _member(key: str) -> str:
    return f".{key}" if re.fullmatch(r"\$?[A-Za-z_][A-Za-z0-9_-]{0,59}", key) else f"[{quoted(key)}]"
