"""Markdown from untrusted text: escaped text, tables and code blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote

from generator.text import plain

# Characters with a meaning in Markdown: anywhere, or at the start of a line. GitHub also reads text between dollars as
# a formula, and a word that begins with www. as a link.
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~@:&$]|(?<=www)\.|^[-=])", re.IGNORECASE)
_NUMBERED: Final = re.compile(r"^([0-9]{1,9})\.(?=\s|$)")


def table(columns: Sequence[str], cells: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table; its cells are escaped."""
    return marked_table(map(escape, columns), (map(escape, row) for row in cells))


def marked_table(columns: Iterable[str], cells: Iterable[Iterable[str]]) -> list[str]:
    """Return the lines of a table of Markdown."""
    head = [*columns]
    return [_row(head), _row("---" for _ in head), *map(_row, cells)]


def escape(text: str) -> str:
    """Return text on one line that is plain text at any place of a Markdown page."""
    return _NUMBERED.sub(r"\1\.", _SPECIAL.sub(r"\\\1", plain(text).strip()))


def code(text: str) -> str:
    """Return text on one line as inline code: GitHub finds no name of a user and no reference there."""
    shown = plain(text).strip()
    pad = " " if "`" in (shown[:1], shown[-1:]) else ""
    fence = "`" * (1 + _longest_run(shown))
    return f"{fence}{pad}{shown}{pad}{fence}" if shown else ""


def code_block(text: str, language: str) -> str:
    """Return text as a fenced code block that no line of it can end."""
    fence = "`" * max(3, 1 + _longest_run(text))
    return f"{fence}{language}\n{text}{fence}\n"


def link(text: str, address: str) -> str:
    """Return text as code with a link; no character of the address can end it."""
    return f"[{code(text)}]({quote(address, safe=':/?#@%&=+~')})"


def folded(title: str, lines: Iterable[str]) -> list[str]:
    """Return the lines of a part that a reader of GitHub unfolds; `title` is no text of others. Empty without lines."""
    shown = [*lines]
    return ["<details>", f"<summary>{title}</summary>", "", *shown, "", "</details>", ""] if shown else []


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
