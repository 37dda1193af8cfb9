"""The plan as rows of a table, and as a summary."""

from __future__ import annotations

from datetime import date

from generator.planning.plan import Plan
from generator.text import counted

COLUMNS = ("slot", "minutes", "crates")
REASON_COLUMNS = ("crate", "built", "reason")


def rows(plan: Plan) -> list[tuple[str, ...]]:
    """Return one row for each shard."""
    return [(str(shard.index), f"{shard.predicted_minutes:.10g}", ", ".join(shard.crates)) for shard in plan.shards]


def reason_rows(plan: Plan) -> list[tuple[str, ...]]:
    """Return one row for each crate of the manifest; the crates that are built come first."""
    ordered = sorted(plan.reasons, key=lambda each: not each.built)
    return [(each.crate, "yes" if each.built else "no", each.reason) for each in ordered]


def quarantine_notes(plan: Plan, today: date) -> list[str]:
    """Return a sentence for each crate in quarantine, by its state on a day in UTC."""
    words = {"holds": "in quarantine until {}", "ended": "its quarantine ended on {}, so a failure blocks"}
    return [f"{each.crate}: {words[each.state(today)].format(each.until)}: {each.reason}" for each in plan.quarantined]


def summary(plan: Plan) -> str:
    """Return the predicted time, its gap and ratio to the lower bound, and the number of skipped units by reason."""
    if not plan.shards:
        of = "the crate is not" if len(plan.reasons) == 1 else f"none of the {len(plan.reasons)} crates is"
        return f"{of} affected: there is nothing to build"
    reasons: dict[str, int] = {}
    for each in plan.skipped:
        reasons[each.reason] = reasons.get(each.reason, 0) + 1
    skips = "".join(f"\nskipped {counted(count, 'unit')}: {reason}" for reason, count in sorted(reasons.items()))
    return (
        f"{counted(plan.count, 'crate')} in {len(plan.shards)} of {counted(plan.slots, 'slot')}: "
        f"{plan.makespan_minutes:.10g} min predicted, "
        f"lower bound {plan.lower_bound_minutes:.10g} min, gap {plan.gap_minutes:.10g} min, "
        f"ratio {plan.ratio:.3f}{skips}"
    )
