"""The report as a page of Markdown, for the summary that GitHub shows of a step."""

from __future__ import annotations

from generator.markdown import escape, table
from generator.reports.models import Report
from generator.reports.table import COLUMNS, report_notes, rows, summary


def page(report: Report) -> str:
    """Return the whole summary: one sentence, the remarks, and a table with failed crates first."""
    title = "Fleet" if report.shard is None else f"Shard {report.shard}"
    lines = [f"### {title}", "", escape(summary(report)), ""]
    lines += [f"- {escape(remark)}" for remark in report_notes(report)]
    return "\n".join([*lines, "", *table(COLUMNS, rows(report)[::-1]), ""])
