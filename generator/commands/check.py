"""The command `check`."""

from __future__ import annotations

from pathlib import Path

import click

from generator.commands.options import manifest_option
from generator.console.output import print_message
from generator.manifest.reading import load_manifest
from generator.text import counted


@click.command()
@manifest_option
def check(manifest: Path) -> None:
    """Print every error of the manifest, each with its line.

    Compares names and versions with Cargo.toml and package.json of path sources.
    """
    loaded = load_manifest(manifest, compare_files=True)
    print_message(f"{manifest}: {counted(len(loaded.crates), 'crate')}, no errors")
