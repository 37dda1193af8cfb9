"""The plan as Markdown, for the step summary on GitHub."""

from __future__ import annotations

from datetime import date

from generator.markdown import escape, table
from generator.planning.plan import Plan
from generator.planning.table import (
    PREDICTION_COLUMNS,
    REASON_COLUMNS,
    columns,
    cost_lines,
    prediction_rows,
    quarantine_notes,
    reason_rows,
    rows,
    summary,
)


def page(plan: Plan, today: date) -> str:
    """Return the step summary: prediction, costs, quarantines on this day, shards, crates, and their reasons."""
    lines = ["### Plan", "", *map(escape, (*summary(plan).split("\n"), *cost_lines(plan))), ""]
    if notes := quarantine_notes(plan, today):
        lines += [*(f"- {escape(note)}" for note in notes), ""]
    if plan.shards:
        lines += [*table(columns(plan), rows(plan)), ""]
    if predicted := prediction_rows(plan):
        lines += [*table(PREDICTION_COLUMNS, predicted), ""]
    if plan.reasons:
        lines += [*table(REASON_COLUMNS, reason_rows(plan)), ""]
    return "\n".join(lines)
