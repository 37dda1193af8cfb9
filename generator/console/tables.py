"""Tables, drawn by rich: folded to a terminal's width, and of full width in a pipe or a CI log."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from generator.console.output import is_quiet, print_data, print_message, printable

# A pipe and a CI log have no width; nothing is cut or folded there.
WIDE: Final = 100_000

STATE_STYLES: Final = {"built": "green", "passed": "green", "failed": "red", "skipped": "yellow", "not run": "yellow"}


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, to_stderr: bool = False) -> None:
    """Print a table on stdout or stderr; a terminal folds the last column to fit."""
    if to_stderr and is_quiet():
        return
    console = rich_console(to_stderr)
    if console.is_terminal:
        console.print(rich_table(columns, rows))
        return
    with console.capture() as captured:
        console.print(rich_table(columns, rows))
    # Only a terminal needs the spaces that fill the last column.
    text = "\n".join(line.rstrip() for line in captured.get().splitlines())
    (print_message if to_stderr else print_data)(text)


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
