"""Workflows rendered for any number of shards: those of the plan, and then empty ones."""

from __future__ import annotations

from generator.manifest.models import Manifest
from generator.planning.balance import Shard
from generator.planning.plan import make_plan
from generator.workflows import rendering


def shards_of(manifest: Manifest, count: int) -> tuple[Shard, ...]:
    """Return `count` shards."""
    filled = make_plan(manifest, count).shards if count > 0 else ()
    empty = (Shard(index=index, crates=(), predicted_minutes=0.0) for index in range(len(filled) + 1, count + 1))
    return (*filled, *empty)


def render(manifest: Manifest, count: int, manifest_path: str) -> dict[str, str]:
    """Return every generated file for `count` shards."""
    return rendering.render(manifest, shards_of(manifest, count), manifest_path)
