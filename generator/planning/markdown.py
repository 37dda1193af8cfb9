"""The plan as a page of Markdown, for the summary that GitHub shows of a step."""

from __future__ import annotations

from generator.markdown import escape, table
from generator.planning.plan import Plan
from generator.planning.table import COLUMNS, REASON_COLUMNS, reason_rows, rows, summary


def page(plan: Plan) -> str:
    """Return the whole summary: one sentence, the shards, and why each crate is built or not."""
    lines = ["### Plan", "", *map(escape, summary(plan).split("\n")), ""]
    if plan.shards:
        lines += [*table(COLUMNS, rows(plan)), ""]
    if plan.reasons:
        lines += [*table(REASON_COLUMNS, reason_rows(plan)), ""]
    return "\n".join(lines)
