"""Batches: crates that share a sandbox are one item of the plan, which takes as long as all of them together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from generator.manifest.crate_models import Crate
from generator.planning.balance import longest_first


@dataclass(frozen=True)
class Items:
    """The items of a plan by the name of their first crate: a crate alone, or the crates of a batch, longest first."""

    members: Mapping[str, tuple[str, ...]]
    minutes: Mapping[str, float]

    def crates(self, items: Iterable[str]) -> tuple[str, ...]:
        """Return the crates of some items, with those of a batch next to each other."""
        return tuple(name for item in items for name in self.members[item])


def batches_of(crates: Iterable[Crate]) -> dict[str, str]:
    """Return the batch of each crate that is in one, by the crate's name."""
    return {crate.name: crate.batch for crate in crates if crate.batch}


def items_of(minutes: Mapping[str, float], batches: Mapping[str, str]) -> Items:
    """Group crates to items; `minutes` are those of each crate."""
    groups: dict[tuple[str, bool], list[str]] = {}
    for name in longest_first(minutes):
        groups.setdefault((batches.get(name, name), name in batches), []).append(name)
    members = {names[0]: tuple(names) for names in groups.values()}
    return Items(members, {first: math.fsum(minutes[name] for name in names) for first, names in members.items()})


def longest_items_first(minutes: Mapping[str, float], batches: Mapping[str, str]) -> tuple[str, ...]:
    """Return the crates by the falling minutes of their items, with those of a batch next to each other."""
    items = items_of(minutes, batches)
    return items.crates(longest_first(items.minutes))
