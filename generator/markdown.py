"""Words and tables as Markdown, in which what a crate or a repository wrote is text and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from generator.text import plain

# What begins anything but text: anywhere, or at the start of a line. GitHub also makes formulas of what stands between
# dollars, and a link of every word that begins with www. and no mark.
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~@:&$]|(?<=www)\.|^[-=])", re.IGNORECASE)
_NUMBERED: Final = re.compile(r"^([0-9]{1,9})\.(?=\s|$)")


def table(columns: Sequence[str], cells: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table whose cells are shown as they are."""
    return [_row(map(escape, columns)), _row("---" for _ in columns), *(_row(map(escape, row)) for row in cells)]


def escape(words: str) -> str:
    """Return words on one line in which Markdown finds no mark of its own, wherever they stand."""
    return _NUMBERED.sub(r"\1\.", _SPECIAL.sub(r"\\\1", plain(words).strip()))


def code_block(lines: str, language: str) -> str:
    """Return lines as a block of code that none of them can end."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", lines)), default=0))
    return f"{fence}{language}\n{lines}{fence}\n"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
