"""The JSON Schema of the manifest, for editors and other programs; crates.schema.json is a copy."""

from __future__ import annotations

from typing import Any, Final

from generator.manifest.models import Manifest

TITLE: Final = "cratematrix manifest"


def manifest_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of crates.json, without the checks between values."""
    schema = Manifest.model_json_schema(by_alias=True, mode="validation")
    # A crate's own files give it, where the source is a path.
    schema["$defs"]["Crate"]["required"].remove("version")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": TITLE,
        "description": "A fleet of crates and the settings of their builds.",
    }
