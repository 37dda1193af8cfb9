"""The command `check`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from generator.commands.options import json_option, manifest_option
from generator.console.output import print_data, print_message
from generator.errors import InputError
from generator.manifest.models import Manifest
from generator.manifest.problems import ManifestError, PlacedProblem, Problem
from generator.manifest.reading import load_manifest
from generator.manifest.source_models import PathSource
from generator.text import counted


@click.command()
@manifest_option
@json_option("CRATEMATRIX_CHECK_JSON")
def check(manifest: Path, as_json: bool) -> None:
    """Print every error of the manifest, each with its line.

    Compares names and versions with Cargo.toml and package.json of path sources, and selects the crates' files.
    """
    notes: list[str] = []

    def select_files(read: Manifest) -> list[Problem]:
        return _source_problems(read, manifest.resolve(), notes)

    try:
        crates = len(load_manifest(manifest, select_files, compare_files=True).crates)
    except ManifestError as error:
        if as_json:
            _print_json(manifest, None, error.placed, notes)
        raise
    if as_json:
        _print_json(manifest, crates, (), notes)
        return
    for note in notes:
        print_message(f"note: {note}")
    print_message(f"{manifest}: {counted(crates, 'crate')}, no errors")


def _print_json(manifest: Path, crates: int | None, errors: Sequence[PlacedProblem], notes: Sequence[str]) -> None:
    result = {"manifest": str(manifest), "crates": crates, "errors": [asdict(error) for error in errors]}
    print_data(json.dumps({**result, "notes": [*notes]}, indent=2))


def _source_problems(manifest: Manifest, file: Path, notes: list[str]) -> list[Problem]:
    """Return the problems of sources in the checkout. A file that git can bring or track is a note: others build."""
    if not any(isinstance(crate.source, PathSource) for crate in manifest.crates):
        return []
    from generator.sources.checks import source_errors  # noqa: PLC0415  manifests without such sources need none of it
    from generator.sources.tree import NotCheckedOut, NotTracked  # noqa: PLC0415

    problems = []
    try:
        for index, error in source_errors(manifest, file):
            if isinstance(error, NotCheckedOut | NotTracked):
                notes.append(f"{manifest.crates[index].name}: {error.message_with_fix}")
            else:
                problems.append(Problem(("crates", index, "source"), error.message_with_fix))
    except InputError as error:
        notes.append(f"the crates' sources are not checked: {error.message_with_fix}")
    return problems
