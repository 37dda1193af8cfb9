"""The report as a page of Markdown, for the summary that GitHub shows of a step."""

from __future__ import annotations

from generator.markdown import table, text
from generator.reports.models import Report
from generator.reports.table import COLUMNS, remarks, rows, summary


def page(report: Report) -> str:
    """Return the whole summary: one sentence, the remarks, and a table with failed crates first."""
    title = "Fleet" if report.shard is None else f"Shard {report.shard}"
    lines = [f"### {title}", "", text(summary(report)), ""]
    lines += [f"- {text(remark)}" for remark in remarks(report)]
    return "\n".join([*lines, "", *table(COLUMNS, rows(report)[::-1]), ""])
