"""The model of the manifest, crates.json.

`fleet_models`, `crate_models` and `source_models` have its parts. Rules of single values are in `values`, checks
between values in `checks`. `shared_settings` has the settings of fleet and crate; `settings` merges them.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from generator.manifest.crate_models import Crate
from generator.manifest.fleet_models import Fleet
from generator.strict import Strict

MAX_CRATES: Final = 10_000


class Manifest(Strict):
    """The whole of crates.json."""

    schema_: str | None = Field(
        default=None,
        alias="$schema",
        max_length=500,
        examples=["./crates.schema.json"],
        description="JSON Schema of this file, for editors.",
    )
    schema_version: Literal[1] = Field(examples=[1], description="Version of this format.")
    fleet: Fleet = Field(
        examples=[{"npm_scope": "@you"}], description="Settings of the whole run, and of every crate without its own."
    )
    crates: tuple[Crate, ...] = Field(
        min_length=1,
        max_length=MAX_CRATES,
        examples=[[{"name": "words", "version": "0.1.6", "kind": "napi", "source": {"path": "packages/words"}}]],
        description="The crates of the fleet.",
    )
