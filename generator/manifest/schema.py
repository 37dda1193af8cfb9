"""The JSON Schema of the manifest, for editors and other programs; crates.schema.json is a copy."""

from __future__ import annotations

from typing import Any, Final

from generator.manifest.models import Manifest

TITLE: Final = "cratematrix manifest"
# A name and no address, so that editors load the file that `$schema` of a manifest names.
ID: Final = "urn:cratematrix:manifest:1"
SINCE: Final = "x-since"
"""The keyword with the first version of cratematrix that knows a key; a later key has it in json_schema_extra."""

FIRST_VERSION: Final = "0.1.0"


def manifest_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of crates.json, without the checks between values."""
    schema = Manifest.model_json_schema(by_alias=True, mode="validation")
    # A crate's own files give it, where the source is a path.
    schema["$defs"]["Crate"]["required"].remove("version")
    for part in (schema, *schema["$defs"].values()):
        for key in part["properties"].values():
            key.setdefault(SINCE, FIRST_VERSION)
            if "$ref" in key:
                # An editor would show the description of the object in place of the key's own.
                schema["$defs"][key["$ref"].rpartition("/")[2]].pop("description", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        **schema,
        "title": TITLE,
        "description": "A fleet of crates and the settings of their builds.",
    }
