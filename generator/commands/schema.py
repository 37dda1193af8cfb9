"""The command `schema`."""

from __future__ import annotations

import json

import click

from generator.console.output import print_data
from generator.manifest.schema import manifest_schema


@click.command()
def schema() -> None:
    """Print the manifest's JSON Schema."""
    print_data(json.dumps(manifest_schema(), indent=2))
