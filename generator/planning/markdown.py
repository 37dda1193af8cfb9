"""The plan as Markdown for the step summary on GitHub: the verdict, costs and limits, then all else folded."""

from __future__ import annotations

from datetime import date

from generator.markdown import escape, folded, table
from generator.planning.limits import binding
from generator.planning.plan import Plan
from generator.planning.table import cost_lines, quarantine_notes, summary, tables
from generator.prices import money_text
from generator.text import counted, duration


def page(plan: Plan, today: date) -> str:
    """Return the step summary: costs, limits that bind and quarantines on this day; shards, crates and reasons."""
    notes = [*cost_lines(plan), *_bounds(plan), *summary(plan).split("\n"), *quarantine_notes(plan, today)]
    lines = [f"### Plan: {_verdict(plan)}", "", *(f"- {escape(note)}" for note in notes), ""]
    for title, columns, rows in tables(plan):
        lines += folded(title, table(columns, rows))
    return "\n".join(lines)


def _verdict(plan: Plan) -> str:
    if not plan.shards:
        return "nothing to build"
    time, costs = duration(plan.makespan_minutes * 60), plan.costs
    money = f", likely {money_text(costs.sandboxes.likely)} {costs.currency}" if costs and costs.prices_of else ""
    crates = counted(plan.count, "crate")
    if plan.unchanged:
        crates = f"{plan.count - plan.unchanged} of {crates} to build"
    return f"{crates} in {counted(len(plan.shards), 'job')}, about {time}{money}"


def _bounds(plan: Plan) -> list[str]:
    """Return a sentence on the crate that takes as long as the whole run, and one if no limit binds."""
    longest = max(plan.planned, key=lambda each: each.minutes, default=None)
    alone = longest is not None and longest.minutes >= plan.makespan_minutes > 0
    return [
        *([f"time: {longest.crate} alone takes this long, so more slots would not help"] if longest and alone else []),
        *(["limits: none binds"] if plan.limits and not binding(plan.limits) else []),
    ]
