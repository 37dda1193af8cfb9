"""The manifest's JSON Schema, for editors and other programs; crates.schema.json is a copy of it."""

from __future__ import annotations

from typing import Any

from generator.manifest.models import Manifest


def manifest_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of crates.json as far as one can say it; the checks between values are not in it."""
    schema = Manifest.model_json_schema(by_alias=True, mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "cratematrix manifest",
        "description": "The fleet of crates, and how each of them is built.",
    }
