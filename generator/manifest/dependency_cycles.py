"""Cycles among the crates of a fleet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from generator.manifest.models import Manifest
from generator.manifest.problems import Problem

_MAX_CYCLE_SHOWN: Final = 8


def check_cycles(manifest: Manifest) -> Iterator[Problem]:
    """Yield one problem for every dependency that closes a cycle; without these, no cycle is left.

    This is a depth-first search without recursion. graphlib stops at its first cycle.
    """
    index = {crate.name: number for number, crate in enumerate(manifest.crates)}
    unvisited = [
        iter([(place, index[name]) for place, name in enumerate(crate.depends_on) if name in index])
        for crate in manifest.crates
    ]
    depth: dict[int, int] = {}
    for start in index.values():
        path = [] if start in depth else [start]
        depth.setdefault(start, 0)
        while path:
            place, needed = next(unvisited[path[-1]], (None, -1))
            if place is None:
                depth[path.pop()] = -1
            elif needed not in depth:
                depth[needed] = len(path)
                path.append(needed)
            elif depth[needed] >= 0 and needed != path[-1]:
                cycle = _arrows(manifest, path, depth[needed])
                yield Problem(
                    ("crates", path[-1], "depends_on", place),
                    f"this closes a cycle: {cycle}; remove one of these dependencies",
                )


def _arrows(manifest: Manifest, path: list[int], start: int) -> str:
    """Return the path from `start` to its end as a -> b -> a; a long one without its middle.

    A hostile fleet has many long cycles, so only the names that are shown are collected.
    """
    hidden = len(path) - start - _MAX_CYCLE_SHOWN
    half = _MAX_CYCLE_SHOWN // 2
    shown = path[start:] if hidden <= 0 else [*path[start : start + half], *path[-half:]]
    names = [manifest.crates[number].name for number in shown]
    if hidden > 0:
        names.insert(half, f"({hidden:,} more)")
    return " -> ".join([*names, names[0]])
