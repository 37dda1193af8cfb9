"""The command `init`."""

from __future__ import annotations

from pathlib import Path

import click

from generator.commands.options import manifest_option
from generator.console.output import print_message
from generator.console.tables import print_table
from generator.discovery import discover, in_format_of, manifest_text, write_new
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
    write_new(manifest, in_format_of(manifest, manifest_text(discovery)), force=force)
    print_table(("crate", "kind", "path", "why"), ((c.name, c.kind, c.path, c.why) for c in discovery.found))
    for skipped in discovery.left_out:
        print_message(f"left out {skipped.path}: {skipped.why}")
    for note in discovery.notes:
        print_message(f"note: {note}")
    print_message(f"{manifest}: {counted(len(discovery.found), 'crate')}; next: cratematrix plan")
