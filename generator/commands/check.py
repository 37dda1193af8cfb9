"""The command `check`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from generator.commands.options import json_option, manifest_option
from generator.console.output import print_data, print_message
from generator.manifest.problems import ManifestError, PlacedProblem
from generator.manifest.reading import load_manifest
from generator.text import counted


@click.command()
@manifest_option
@json_option("CRATEMATRIX_CHECK_JSON")
def check(manifest: Path, as_json: bool) -> None:
    """Print every error of the manifest, each with its line.

    Compares names and versions with Cargo.toml and package.json of path sources.
    """
    try:
        crates = len(load_manifest(manifest, compare_files=True).crates)
    except ManifestError as error:
        if as_json:
            _print_json(manifest, None, error.placed)
        raise
    if as_json:
        _print_json(manifest, crates, ())
    else:
        print_message(f"{manifest}: {counted(crates, 'crate')}, no errors")


def _print_json(manifest: Path, crates: int | None, errors: Sequence[PlacedProblem]) -> None:
    result = {"manifest": str(manifest), "crates": crates, "errors": [asdict(error) for error in errors]}
    print_data(json.dumps(result, indent=2))
