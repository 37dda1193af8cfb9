"""Tables, drawn by rich: folded to a terminal's width, and of full width in a pipe or a CI log."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

from generator.console.output import is_quiet, print_data, print_message, printable

# A pipe and a CI log have no width; nothing is cut or folded there.
WIDE: Final = 100_000

# Columns of a terminal in which a sentence can be read.
_READABLE: Final = 24

STATE_STYLES: Final = {"built": "green", "passed": "green", "failed": "red", "skipped": "yellow", "not run": "yellow"}


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, to_stderr: bool = False) -> None:
    """Print a table on stdout or stderr; a terminal folds the last column, or has it below each row if it is narrow."""
    if to_stderr and is_quiet():
        return
    console, cells = rich_console(to_stderr), [*rows]
    if console.is_terminal:
        others = rich_table(columns[:-1], (row[:-1] for row in cells))
        room = console.width - console.measure(others).maximum
        if room < _READABLE < max((len(row[-1]) for row in cells), default=0):
            _print_below(console, others, [row[-1] for row in cells])
        else:
            console.print(rich_table(columns, cells))
        return
    with console.capture() as captured:
        console.print(rich_table(columns, cells))
    # Only a terminal needs the spaces that fill the last column.
    text = "\n".join(line.rstrip() for line in captured.get().splitlines())
    (print_message if to_stderr else print_data)(text)


def _print_below(console: Console, others: Table, last: Sequence[str]) -> None:
    """Print a table in which each row is one line, with a text below each row."""
    first, end = others.columns[0], others.columns[-1]
    first.max_width, first.overflow, end.no_wrap = max(10, console.width // 3), "ellipsis", True
    head, *lines = console.render_lines(others, pad=False)
    console.print(Segments([*head, Segment.line()]), end="")
    for line, text in zip(lines, last, strict=True):
        console.print(Segments([*line, Segment.line()]), end="")
        if text:
            console.print(Padding(Text(printable(text)), (0, 0, 0, 2)))


def rich_console(to_stderr: bool) -> Console:
    """Return rich's console on stdout or stderr."""
    stream = sys.stderr if to_stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else WIDE, highlight=False, soft_wrap=False)


def rich_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Return a table for rich to draw; its cells are safe for a terminal."""
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        last = column == columns[-1]
        drawn.add_column(column, overflow="fold", no_wrap=not last)
    for row in rows:
        drawn.add_row(*(Text(printable(cell), style=STATE_STYLES.get(cell, "")) for cell in row))
    return drawn
