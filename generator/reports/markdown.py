"""The report as a page of Markdown for a step summary."""

from __future__ import annotations

from generator.markdown import escape, table
from generator.reports import predictions
from generator.reports.models import Report
from generator.reports.table import COLUMNS, report_notes, rows, summary


def page(report: Report) -> str:
    """Return the page: one sentence, the notes, failed crates first, and predicted against actual times."""
    title = "Fleet" if report.shard is None else f"Shard {report.shard}"
    lines = [f"### {title}", "", escape(summary(report)), ""]
    lines += [f"- {escape(note)}" for note in report_notes(report)]
    lines += ["", *table(COLUMNS, rows(report)[::-1]), ""]
    if times := predictions.rows(report):
        lines += [*table(predictions.COLUMNS, times), ""]
    return "\n".join(lines)
