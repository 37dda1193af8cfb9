"""Commands on the manifest itself."""

from __future__ import annotations

from pathlib import Path

import click

from generator import console
from generator.commands.options import manifest_option
from generator.text import counted


@click.command()
@manifest_option
@click.option("--force", is_flag=True, help="Overwrite the manifest.")
def init(manifest: Path, force: bool) -> None:
    """Find the crates of this repository and write the manifest.

    Looks for Cargo workspace members, packages with a napi key, wasm-bindgen crates and programs below the
    manifest's directory, and says what it left out and why.
    """
    from generator.discovery import convert_to_format, discover, manifest_text, write_manifest

    found = discover(manifest.absolute().parent)
    write_manifest(manifest, convert_to_format(manifest, manifest_text(found)), force=force)
    console.table(("crate", "kind", "path", "why"), ((c.name, c.kind, c.path, c.reason) for c in found.crates))
    for left in found.skipped:
        console.say(f"left out {left.path}: {left.reason}")
    for note in found.notes:
        console.say(f"note: {note}")
    console.say(f"{manifest}: {counted(len(found.crates), 'crate')}; next: cratematrix plan")


@click.command()
@manifest_option
def check(manifest: Path) -> None:
    """Show every error of the manifest at once, each with its line."""
    from generator.manifest.reading import load_manifest

    console.say(f"{manifest}: {counted(len(load_manifest(manifest).crates), 'crate')}, no errors")


@click.command()
def schema() -> None:
    """Print the manifest's JSON Schema."""
    import json

    from generator.manifest.schema import manifest_schema

    console.data(json.dumps(manifest_schema(), indent=2))
