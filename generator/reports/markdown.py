"""The report as a page of Markdown for a step summary."""

from __future__ import annotations

from generator.markdown import escape, table
from generator.reports.models import Report
from generator.reports.table import COLUMNS, report_notes, rows, summary


def page(report: Report) -> str:
    """Return the page: one sentence, the notes, and a table with failed crates first."""
    title = "Fleet" if report.shard is None else f"Shard {report.shard}"
    lines = [f"### {title}", "", escape(summary(report)), ""]
    lines += [f"- {escape(note)}" for note in report_notes(report)]
    return "\n".join([*lines, "", *table(COLUMNS, rows(report)[::-1]), ""])
