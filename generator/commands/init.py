"""The command `init`."""

from __future__ import annotations

from pathlib import Path

import click

from generator.commands.options import manifest_option
from generator.console.output import print_message
from generator.console.tables import print_table
from generator.discovery import convert_to_format, discover, manifest_text, write_manifest
from generator.text import counted


@click.command()
@manifest_option
@click.option("--force", is_flag=True, help="Overwrite the manifest.")
def init(manifest: Path, force: bool) -> None:
    """Find the crates of this repository and write the manifest.

    Finds Cargo workspace members, packages with a napi key, wasm-bindgen crates and programs below the manifest's
    directory. Prints each skipped crate with the reason.
    """
    discovery = discover(manifest.absolute().parent)
    write_manifest(manifest, convert_to_format(manifest, manifest_text(discovery)), force=force)
    print_table(("crate", "kind", "path", "why"), ((c.name, c.kind, c.path, c.reason) for c in discovery.crates))
    for skipped in discovery.skipped:
        print_message(f"skipped {skipped.path}: {skipped.reason}")
    for note in discovery.notes:
        print_message(f"note: {note}")
    print_message(f"{manifest}: {counted(len(discovery.crates), 'crate')}; next: cratematrix plan")
