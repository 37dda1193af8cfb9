"""The report as a page of Markdown, for the summary that GitHub shows of a step."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from generator.reports.models import Report
from generator.reports.table import COLUMNS, remarks, rows, summary

# What begins anything but text: a cell's words are a crate's own.
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~@:&])")


def page(report: Report) -> str:
    """Return the whole summary: one sentence, the remarks, and a table with failed crates first."""
    title = "Fleet" if report.shard is None else f"Shard {report.shard}"
    lines = [f"### {title}", "", text(summary(report)), ""]
    lines += [f"- {text(remark)}" for remark in remarks(report)]
    return "\n".join([*lines, "", *table(COLUMNS, rows(report)[::-1]), ""])


def table(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table whose cells are shown as they are."""
    return [_row(columns), _row(["---"] * len(columns), escape=False), *(_row(row) for row in cells)]


def text(words: str) -> str:
    """Return words in which Markdown finds no mark of its own."""
    return _SPECIAL.sub(r"\\\1", words)


def _row(cells: Sequence[str], escape: bool = True) -> str:
    return f"| {' | '.join(text(cell) if escape else cell for cell in cells)} |"
