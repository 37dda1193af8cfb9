"""The command `init`."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import click

from generator.commands.options import json_option, manifest_option
from generator.console.output import print_data, print_message
from generator.console.questions import agreed, answer
from generator.console.tables import print_table
from generator.discovery import Discovery, discover
from generator.discovery.choices import (
    Choices,
    for_platforms,
    parse_action,
    parse_backend,
    parse_platforms,
    parse_scope,
    platforms_of,
)
from generator.discovery.first_manifest import (
    already_exists,
    check_name,
    convert_to_format,
    manifest_text,
    write_manifest,
    write_schema,
)
from generator.discovery.updating import read_manifest, update_manifest, write_update
from generator.errors import InputError
from generator.manifest.reading import cli_command, load_manifest
from generator.sources.collect import repository_top
from generator.text import counted
from generator.workflows.own_action import SET_ACTION, default_action


@click.command()
@manifest_option
@click.option("--force", is_flag=True, help="Replace the manifest.")
@click.option(
    "--update",
    is_flag=True,
    help="Bring an existing manifest up to date: new and gone crates, versions, kinds, moved directories. Shows the "
    "difference first, and keeps comments and everything else.",
)
@click.option("--scope", metavar="@SCOPE", help="npm scope of every package.  [default: found in the repository]")
@click.option(
    "--platforms",
    metavar="NAMES",
    help="Platforms, with commas between them.  [default: those that the crates can have]",
)
@click.option(
    "--action", metavar="ACTION", help="Where workflows find cratematrix: OWNER/REPOSITORY@REF, or ./ in its own."
)
@click.option("--backend", metavar="NAME", help="Backend of the workflows, local or e2b.  [default: local]")
@click.option("--unpublished", is_flag=True, help="Also take crates with publish = false in Cargo.toml.")
@json_option("CRATEMATRIX_INIT_JSON")
def init(
    manifest: Path,
    force: bool,
    update: bool,
    scope: str | None,
    platforms: str | None,
    action: str | None,
    backend: str | None,
    unpublished: bool,
    as_json: bool,
) -> None:
    """Find the crates of this repository and write the manifest.

    Finds Cargo workspace members, packages with a napi key, wasm-bindgen crates and programs below the manifest's
    directory. Prints each skipped crate with the reason. On a terminal it asks for what no option gives; elsewhere
    the defaults count.
    """
    if update and (force or scope or platforms or action or backend):
        raise InputError("--update keeps the settings of the fleet", fix="edit them in the manifest")
    if not update and not force and os.path.lexists(manifest):
        raise already_exists(manifest)
    check_name(manifest)
    discovery = discover(manifest.absolute().parent, unpublished=unpublished)
    if update:
        _update(manifest, discovery, as_json)
        return
    discovery, choices = _choose(manifest, discovery, scope, platforms, action, backend)
    manifest_text(discovery, choices)  # fails before anything is written
    schema = write_schema(manifest.parent)
    write_manifest(manifest, convert_to_format(manifest, manifest_text(discovery, choices, schema)), force=force)
    _print_found(manifest, discovery, as_json)
    if not as_json:
        print_message(f"{manifest}: {counted(len(discovery.crates), 'crate')}; next: {cli_command('check', manifest)}")
    if discovery.crates and choices.action is None:
        print_message(f"note: for workflows, {SET_ACTION.format(manifest)}")


def _choose(
    manifest: Path,
    discovery: Discovery,
    scope: str | None,
    platforms: str | None,
    action: str | None,
    backend: str | None,
) -> tuple[Discovery, Choices]:
    """Return the choices by options, answers and defaults, and the crates that are left with them."""
    if not discovery.crates:
        return discovery, Choices()
    possible = ",".join(platforms_of(discovery.crates))
    published = default_action(repository_top(manifest.absolute().parent)) or ""
    choices = Choices(
        scope=answer("npm scope of the packages", discovery.npm_scope, parse_scope, scope),
        platforms=answer("Platforms", possible, parse_platforms, platforms),
        action=answer("Where workflows find cratematrix (OWNER/REPOSITORY@REF)", published, parse_action, action),
        backend=answer("Backend of the workflows (local, e2b)", "local", parse_backend, backend),
    )
    # A note on the scope that was found says nothing about another one.
    notes = tuple(
        each for each in discovery.notes if choices.scope == discovery.npm_scope or discovery.npm_scope not in each
    )
    return for_platforms(replace(discovery, notes=notes), choices.platforms or ()), choices


def _update(manifest: Path, discovery: Discovery, as_json: bool) -> None:
    data = read_manifest(manifest)
    update = update_manifest(manifest, data, discovery)
    if as_json:
        print_data(json.dumps({"manifest": str(manifest), "changes": update.changes, "diff": update.diff()}, indent=2))
    if not update.changes:
        print_message(f"{manifest}: up to date")
        return
    if not as_json:
        print_data(update.diff())
    for line in update.changes:
        print_message(line)
    if agreed(f"Write this to {manifest}?"):
        write_update(update, data)
        count = counted(len(load_manifest(manifest).crates), "crate")
        print_message(f"{manifest}: {count}; next: {cli_command('check', manifest)}")


def _print_found(manifest: Path, discovery: Discovery, as_json: bool) -> None:
    if as_json:
        print_data(json.dumps({"manifest": str(manifest), **asdict(discovery)}, indent=2))
        return
    print_table(("crate", "kind", "path", "why"), ((c.name, c.kind, c.path, c.reason) for c in discovery.crates))
    for skipped in discovery.skipped:
        print_message(f"skipped {skipped.path}: {skipped.reason}")
    for note in (*discovery.managers, *(f"note: {note}" for note in discovery.notes)):
        print_message(note)
