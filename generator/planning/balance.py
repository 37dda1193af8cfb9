"""Balancing crates over slots, and the lower bound that shows how good a balance is; pure functions of minutes.

Both count whole thousandths of a minute. Sums of integers are exact, so that every job computes the same plan, on any
machine and version of Python.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Final, NamedTuple

from generator.strict import Strict

MAX_STEPS: Final = 1_000_000
"""Parts of slots that are compared for one plan: about a second. A limit of time would give jobs different plans."""
MAX_MOVED: Final = 8
"""Crates of a slot that an exchange can move. Their 256 parts are enough to make two slots of many crates equal."""


class Shard(Strict):
    """The crates that one job builds in its slots, in the order in which they start; `index` counts from 1."""

    index: int
    crates: tuple[str, ...]
    predicted_minutes: float


def longest_first(minutes: Mapping[str, float]) -> list[str]:
    """Return names by falling minutes. Equal ones are in order of name, whatever their order in the manifest."""
    return sorted(minutes, key=lambda name: (-minutes[name], name))


def balance(minutes: Mapping[str, float], slots: int) -> tuple[Shard, ...]:
    """Divide crates over slots: the longest first onto the least loaded slot, then better by exchanges between slots.

    There are at most as many shards as crates, and none is empty. The shards are in the order of their longest crates.
    Crates of no minutes come last, each onto the slot with the fewest crates.
    """
    crates = [_Crate(_thousandths(each), name) for name, each in minutes.items() if each]
    divided = _improved(_least_loaded(crates, slots), _bound([crate.time for crate in crates], slots))
    divided = _filled(divided, [_Crate(0, name) for name in sorted(minutes) if not minutes[name]], slots)
    return tuple(
        Shard(index=index, crates=tuple(crate.name for crate in slot.crates), predicted_minutes=slot.time / 1000)
        for index, slot in enumerate(sorted(divided, key=lambda slot: _order(slot.crates[0])), start=1)
    )


def grouped(shards: Sequence[Shard], size: int, minutes: Mapping[str, float]) -> tuple[Shard, ...]:
    """Join shards of one slot each into shards of up to `size` slots, which take as long as their longest slot.

    Slots that take equally long are together, so that no job runs much longer than most of its slots are busy. The
    crates are in the order in which the slots start them: a job whose free slot takes the next one keeps the plan.
    """
    ordered = sorted(shards, key=lambda shard: (-shard.predicted_minutes, shard.index))
    parts = [ordered[start : start + size] for start in range(0, len(ordered), size)]
    return tuple(
        Shard(
            index=index,
            crates=_by_start(part, {name: _thousandths(each) for name, each in minutes.items()}),
            predicted_minutes=part[0].predicted_minutes,
        )
        for index, part in enumerate(parts, start=1)
    )


def _by_start(slots: Iterable[Shard], times: Mapping[str, int]) -> tuple[str, ...]:
    """Return the crates of some slots by the time at which they start, and the longest of equal ones first."""
    starts = {
        name: start
        for slot in slots
        for name, start in zip(slot.crates, accumulate((times[name] for name in slot.crates), initial=0), strict=False)
    }
    return tuple(sorted(starts, key=lambda name: (starts[name], -times[name], name)))


def lower_bound(minutes: Collection[float], slots: int) -> float:
    """Return minutes that no assignment to `slots` slots can beat; 0 without crates.

    It is the largest number of three rules. The proof of each:

    - Some slot takes at least the mean. Every crate takes a multiple of their greatest common divisor, and so does
      every slot. So the mean counts rounded up to such a multiple.
    - Of the k·slots + 1 longest crates some slot gets k + 1. These take at least as long as the k + 1 shortest of
      them. For k = 0 this is the longest crate.
    - Either one of the j longest crates shares its slot. Then this slot takes at least the j-th longest crate and the
      shortest of all. Or all j are alone. Then the first two rules hold for the other crates and slots - j slots. So
      the smaller of both numbers is a bound, for every j below the slots.
    """
    return _bound([_thousandths(each) for each in minutes if each], slots) / 1000


class _Crate(NamedTuple):
    time: int
    name: str


class _Part(NamedTuple):
    """Some crates of a slot, and their time together."""

    time: int
    crates: tuple[_Crate, ...]


@dataclass(frozen=True, eq=False)  # A slot equals only itself: a set of pairs is fast.
class _Slot:
    """The crates of a slot, longest first."""

    crates: tuple[_Crate, ...]

    @cached_property
    def time(self) -> int:
        return sum(crate.time for crate in self.crates)

    @cached_property
    def parts(self) -> list[_Part]:
        """The parts that an exchange can move, by rising time and one for each time.

        With many crates, only every n-th one counts, from the shortest, at most MAX_MOVED.
        """
        parts: dict[int, tuple[_Crate, ...]] = {0: ()}
        for crate in self.crates[:: -max(1, len(self.crates) // MAX_MOVED)][:MAX_MOVED]:
            parts |= {time + crate.time: (*crates, crate) for time, crates in parts.items()}
        return [_Part(*each) for each in sorted(parts.items())]

    def exchange(self, given: _Part, taken: _Part) -> _Slot:
        return _slot({*self.crates} - {*given.crates} | {*taken.crates})


_Pair = tuple[_Slot, _Slot]


def _slot(crates: Iterable[_Crate]) -> _Slot:
    return _Slot(tuple(sorted(crates, key=_order)))


def _order(crate: _Crate) -> tuple[int, str]:
    return -crate.time, crate.name


def _least_loaded(crates: Iterable[_Crate], slots: int) -> list[_Slot]:
    """Assign the longest crate first to the least loaded slot (Graham's LPT: at most 4/3 of the best makespan)."""
    ordered = sorted(crates, key=_order)
    assigned: list[list[_Crate]] = [[] for _ in ordered[:slots]]
    queue = [(0, index) for index in range(len(assigned))]
    for crate in ordered:
        load, index = queue[0]
        assigned[index].append(crate)
        heapq.heapreplace(queue, (load + crate.time, index))
    return [_Slot(tuple(each)) for each in assigned]


def _filled(slots: list[_Slot], idle: list[_Crate], count: int) -> list[_Slot]:
    """Add crates of no time evenly to up to `count` slots."""
    assigned = [[*slot.crates] for slot in slots] + [[] for _ in idle[: count - len(slots)]]
    queue = [(len(crates), index) for index, crates in enumerate(assigned)]
    heapq.heapify(queue)
    for crate in idle:
        number, index = queue[0]
        assigned[index].append(crate)
        heapq.heapreplace(queue, (number + 1, index))
    return [_Slot(tuple(each)) for each in assigned]


def _improved(slots: list[_Slot], bound: int) -> list[_Slot]:
    """Exchange parts of two slots until the longest slot takes `bound`, no exchange helps, or the steps are done.

    The longest slot gives first, to the shortest one. An exchange brings two slots nearer together, so the longest
    slot never gets longer.
    """
    slots = _falling(slots)
    pairs, settled = _pairs(slots), set[_Pair]()
    steps = 0
    while slots and slots[0].time > bound and steps < MAX_STEPS and (pair := next(pairs, None)):
        steps += len(pair[0].parts)
        if pair in settled:
            continue
        if exchanged := _exchanged(*pair):
            slots = _falling([*(slot for slot in slots if slot not in pair), *exchanged])
            pairs = _pairs(slots)
        else:
            settled.add(pair)
    return slots


def _falling(slots: list[_Slot]) -> list[_Slot]:
    return sorted(slots, key=lambda slot: -slot.time)


def _pairs(slots: list[_Slot]) -> Iterator[_Pair]:
    """Yield each pair of a longer and a shorter slot, those of the longest slot first."""
    return ((longer, shorter) for rank, longer in enumerate(slots) for shorter in reversed(slots[rank + 1 :]))


def _exchanged(longer: _Slot, shorter: _Slot) -> _Pair | None:
    """Return the slots after the exchange of parts that leaves the least difference, or None if none makes it less."""
    difference = longer.time - shorter.time
    left, given, taken = min(
        (abs(difference - 2 * (given.time - taken.time)), given, taken)
        for given in longer.parts
        for taken in _nearest(shorter.parts, given.time - difference // 2)
    )
    return (longer.exchange(given, taken), shorter.exchange(taken, given)) if left < difference else None


def _nearest(parts: list[_Part], time: int) -> list[_Part]:
    """Return the part that takes at least this time and the one before it, as far as they exist."""
    at = bisect_left(parts, (time,))
    return parts[max(0, at - 1) : at + 1]


def _bound(times: Collection[int], slots: int) -> int:
    if not times:
        return 0
    ordered = sorted(times, reverse=True)
    sums = [0, *accumulate(ordered)]
    unit = math.gcd(*ordered)

    def without(alone: int) -> int:
        """Return the bound of the mean and of the k + 1 crates, without the longest crates and their slots."""
        others, rest = slots - alone, len(ordered) - alone
        mean = -(-(sums[-1] - sums[alone]) // (others * unit)) * unit
        shared = (sums[alone + k * others + 1] - sums[alone + k * others - k] for k in range((rest - 1) // others + 1))
        return max(mean, *shared)

    either = (min(ordered[j - 1] + ordered[-1], without(j)) for j in range(1, min(slots, len(ordered))))
    return max([without(0), *either])


def _thousandths(minutes: float) -> int:
    return max(1, round(minutes * 1000))
