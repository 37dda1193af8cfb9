"""The plan as rows of a table, and as a summary."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date

from generator.planning.costs import Costs, Range
from generator.planning.limits import binding
from generator.planning.plan import Plan
from generator.planning.prediction import ESTIMATE
from generator.prices import money_text
from generator.text import counted

REASON_COLUMNS = ("crate", "built", "reason")
PREDICTION_COLUMNS = ("crate", "minutes", "basis")
SIZE_COLUMNS = ("crate", "size", "basis")


def tables(plan: Plan) -> list[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
    """Return the title, columns and rows of each table that has rows."""
    found = [
        ("Slots and jobs", columns(plan), rows(plan)),
        ("Predicted minutes of each crate", PREDICTION_COLUMNS, prediction_rows(plan)),
        ("Sizes by the measured memory", SIZE_COLUMNS, size_rows(plan)),
        ("Why each crate is built or not", REASON_COLUMNS, reason_rows(plan)),
    ]
    return [each for each in found if each[2]]


def columns(plan: Plan) -> tuple[str, ...]:
    """Return the columns of `rows`: with costs also whole minutes of runners, and the cost of sandboxes unless free."""
    costs = plan.costs
    money = () if costs is None else ("runner min",) if costs.prices_of is None else ("runner min", costs.currency)
    return ("slot" if plan.slots_per_job == 1 else "job", "minutes", *money, "crates")


def rows(plan: Plan) -> list[tuple[str, ...]]:
    """Return one row for each shard."""
    counted = plan.costs.shards if plan.costs else (None,) * len(plan.shards)
    unchanged = {each.crate for each in plan.planned if each.unchanged_since}
    is_free = plan.costs is None or plan.costs.prices_of is None
    return [
        (
            str(shard.index),
            f"{shard.predicted_minutes:.10g}",
            *([_ends(cost.runner_minutes, "{:.0f}".format)] if cost else []),
            *([_ends(cost.sandboxes, money_text)] if cost and not is_free else []),
            _names(shard.crates, unchanged),
        )
        for shard, cost in zip(plan.shards, counted, strict=True)
    ]


def _names(crates: Collection[str], unchanged: Collection[str]) -> str:
    """Return the crates that are built, and then those that are not."""
    built = ", ".join(name for name in crates if name not in unchanged)
    others = ", ".join(name for name in crates if name in unchanged)
    return "; ".join(filter(None, (built, others and f"unchanged: {others}")))


def cost_lines(plan: Plan) -> list[str]:
    """Return a sentence on the costs of the whole plan, and one for each limit that binds."""
    costs = plan.costs
    if costs is None or not plan.shards:
        return []
    sandboxes = f"{_range(costs.sandboxes, money_text)} {costs.currency} for sandboxes (prices of {costs.prices_of}), "
    runners = f"{_range(costs.runner_minutes, '{:,.0f}'.format)} runner minutes"
    price = f"{money_text(costs.runners.likely)} {costs.currency} where they are not free"
    return [
        f"costs: {'' if costs.prices_of is None else sandboxes}{runners}, {price} (prices of {costs.runner_prices_of})",
        *([_other_way(costs, single)] if (single := costs.runner_minutes_of_single_slots) else []),
        *(f"limit: {sentence}" for sentence in binding(plan.limits)),
    ]


def _other_way(costs: Costs, single: Range) -> str:
    amount = single.likely * costs.runners.likely / costs.runner_minutes.likely
    minutes = f"{_range(single, '{:,.0f}'.format)} runner minutes, {money_text(amount)} {costs.currency}"
    return f"with one job per slot: {minutes} where they are not free"


def _ends(of: Range, text: Callable[[float], str]) -> str:
    return f"{text(of.likely)} ({text(of.low)}-{text(of.high)})"


def _range(of: Range, text: Callable[[float], str]) -> str:
    return f"{text(of.likely)} ({text(of.low)} to {text(of.high)})"


def prediction_rows(plan: Plan) -> list[tuple[str, ...]]:
    """Return one row for each crate of the shards, the longest first; none if all have the manifest's estimate."""
    found = sorted(plan.planned, key=lambda each: (-each.minutes, each.crate))
    if all(each.basis == ESTIMATE for each in found):
        return []
    return [(each.crate, f"{round(each.minutes, 3):.10g}", each.basis) for each in found]


def size_rows(plan: Plan) -> list[tuple[str, ...]]:
    """Return one row for each crate that is built in a size that the manifest does not name, in order of name."""
    return [
        (each.crate, each.size, each.size_basis)
        for each in plan.planned
        if each.size and each.size_basis and not each.unchanged_since
    ]


def reason_rows(plan: Plan) -> list[tuple[str, ...]]:
    """Return one row for each crate of the manifest; the crates that are built come first."""
    ordered = sorted(plan.reasons, key=lambda each: not each.built)
    return [(each.crate, "yes" if each.built else "no", each.reason) for each in ordered]


def quarantine_notes(plan: Plan, today: date) -> list[str]:
    """Return a sentence for each crate in quarantine, by its state on a day in UTC."""
    words = {"holds": "in quarantine until {}", "ended": "its quarantine ended on {}, so a failure blocks"}
    return [f"{each.crate}: {words[each.state(today)].format(each.until)}: {each.reason}" for each in plan.quarantined]


def summary(plan: Plan) -> str:
    """Return what is built, the predicted time with its gap to the lower bound, and the skipped units by reason."""
    if not plan.shards:
        of = "the crate is not" if len(plan.reasons) == 1 else f"none of the {len(plan.reasons)} crates is"
        return f"{of} affected: there is nothing to build"
    reasons: dict[str, int] = {}
    for each in plan.skipped:
        reasons[each.reason] = reasons.get(each.reason, 0) + 1
    skips = "".join(f"\nskipped {counted(count, 'unit')}: {reason}" for reason, count in sorted(reasons.items()))
    jobs = f"{len(plan.shards)} of {counted(plan.slots, 'slot')}"
    if plan.slots_per_job > 1:
        jobs = f"{counted(len(plan.shards), 'job')} of {plan.slots_per_job} slots"
    return (
        f"{_built(plan)}{counted(plan.count, 'crate')} in {jobs}: "
        f"{plan.makespan_minutes:.10g} min predicted, "
        f"lower bound {plan.lower_bound_minutes:.10g} min, gap {plan.gap_minutes:.10g} min, "
        f"ratio {plan.ratio:.3f}{_measured(plan)}{skips}"
    )


def _built(plan: Plan) -> str:
    """Return a line about the crates that did not change, empty without any."""
    if not plan.unchanged:
        return ""
    since = " and ".join(dict.fromkeys(each.unchanged_since for each in plan.planned if each.unchanged_since))
    crates = f"{plan.count - plan.unchanged} of {counted(plan.count, 'crate')} to build"
    return f"{crates}; {plan.unchanged} unchanged since {since}\n"


def _measured(plan: Plan) -> str:
    """Return a line about the crates that were measured, empty without any."""
    built = [each for each in plan.planned if not each.unchanged_since]
    measured = sum(1 for each in built if each.measurements)
    return f"\npredicted from measured times of {measured} of {counted(len(built), 'crate')}" if measured else ""
