"""Balancing crates over slots, and the lower bound that shows how good a balance is; pure functions of minutes."""

from __future__ import annotations

import heapq

from generator.strict import Strict


class Shard(Strict):
    """The crates that one slot builds, longest first; `index` counts from 1."""

    index: int
    crates: tuple[str, ...]
    predicted_minutes: float


def longest_first(minutes: dict[str, float]) -> list[str]:
    """Return names by falling minutes. Equal ones are in order of name, whatever their order in the manifest."""
    return sorted(minutes, key=lambda name: (-minutes[name], name))


def balance(minutes: dict[str, float], slots: int) -> tuple[Shard, ...]:
    """Assign the longest crate first to the least loaded slot (Graham's LPT: at most 4/3 of the best makespan).

    Of equal loads, the lower index gets the crate. There are at most as many shards as crates, and none is empty.
    """
    queue = [(0.0, index) for index in range(min(slots, len(minutes)))]
    assigned: list[list[str]] = [[] for _ in queue]
    for name in longest_first(minutes):
        load, index = heapq.heappop(queue)
        assigned[index].append(name)
        heapq.heappush(queue, (load + minutes[name], index))
    return tuple(
        Shard(index=index + 1, crates=tuple(names), predicted_minutes=_rounded(sum(minutes[name] for name in names)))
        for index, names in enumerate(assigned)
    )


def lower_bound(minutes: list[float], slots: int) -> float:
    """Return minutes that no assignment to `slots` slots can beat; 0 without crates.

    The bound is the largest of three: the longest crate; the sum divided by the slots; and the pairing bound for
    every k. Of the k·slots + 1 longest crates some slot gets k + 1. These take at least as long as the k + 1 shortest
    of them.
    """
    if not minutes:
        return 0.0
    ordered = sorted(minutes, reverse=True)
    bound = max(ordered[0], sum(ordered) / slots)
    for k in range(1, (len(ordered) - 1) // slots + 1):
        bound = max(bound, sum(ordered[k * slots - k : k * slots + 1]))
    return _rounded(bound)


def _rounded(minutes: float) -> float:
    # Sums of decimal minutes would otherwise print as 12.600000000000001.
    return round(minutes, 3)
