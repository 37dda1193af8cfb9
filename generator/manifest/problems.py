"""What is wrong with a manifest, and how it is said: `crates.json:12: $.crates[3].version: sentence`.

Manifests are hostile until checked. Nothing of one reaches a line but through `quoted`, so that no line can hold
a control character, a second line, or a command to the GitHub runner.
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

Loc = tuple[str | int, ...]

MAX_SHOWN: Final = 50
# Each comparison takes some 20 microseconds, and up to 50 problems make them all.
MAX_COMPARED: Final = 1_000


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong at one place.

    `line` is given where the place alone does not say it, `other` is a second place whose line is added. A near miss
    of `wrong` among `known` is looked for only when the problem is shown, and not in a very large fleet: it takes time.
    """

    loc: Loc
    sentence: str
    line: int | None = None
    other: Loc | None = None
    wrong: str = ""
    known: Collection[str] = ()


def refusal(path: Path, problems: Sequence[Problem], line_of: Callable[[Loc], int]) -> InputError:
    """The error that holds all problems by line, the first 50 of them in words."""
    file = escaped(str(path))
    placed = sorted(((line_of(each.loc) if each.line is None else each.line, each) for each in problems), key=_line)
    lines = [f"{file}:{line}: {json_path(each.loc)}: {_worded(each, line_of)}" for line, each in placed[:MAX_SHOWN]]
    if hidden := placed[MAX_SHOWN:]:
        lines.append(f"{file}:{hidden[0][0]}: $: {len(hidden):,} more from here on; fix those above first")
    count = "1 error" if len(placed) == 1 else f"{len(placed):,} errors"
    return InputError(f"{file} has {count}", problems=tuple(lines))


def _line(placed: tuple[int, Problem]) -> int:
    return placed[0]


def _worded(problem: Problem, line_of: Callable[[Loc], int]) -> str:
    other = f" (line {line_of(problem.other)})" if problem.other is not None else ""
    near: list[str] = []
    if problem.wrong and len(problem.known) <= MAX_COMPARED:
        near = difflib.get_close_matches(problem.wrong, problem.known, n=1)
    hint = f"; did you mean {quoted(near[0])}?" if near else ""
    return f"{problem.sentence}{other}{hint}"


def json_path(loc: Loc) -> str:
    """A place as a JSON path: `$.crates[3].version`, with unusual keys in brackets and quotes."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else _member(step) for step in loc)


def _member(key: str) -> str:
    return f".{key}" if re.fullmatch(r"\$?[A-Za-z_][A-Za-z0-9_-]{0,59}", key) else f"[{quoted(key)}]"
