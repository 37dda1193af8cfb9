"""What sandboxes need, what they start from, and what is left of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator import console
from generator.commands.options import backend_option, gateway_options, manifest_option
from generator.commands.secrets import e2b_connection, known_secrets

if TYPE_CHECKING:
    from generator.manifest.values import Size
    from generator.sandboxes.e2b.connection import Gateway


@click.command()
@manifest_option
@click.option(
    "--run",
    required=True,
    envvar=["CRATEMATRIX_REAP_RUN", "GITHUB_RUN_ID"],
    metavar="ID",
    help="The run, as `build` said at its start and its report says.  [default in GitHub Actions: this run]",
)
@click.option("--shard", metavar="I/N", help="Only the sandboxes of this shard.")
@gateway_options
def reap(manifest: Path, run: str, shard: str | None, gateway: Gateway) -> None:
    """End the sandboxes that a run left behind at E2B.

    Running or paused ones, also those kept by --keep-failed. What a killed run leaves ends by itself after some
    minutes; this ends it now. Other runs' sandboxes stay.
    """
    from generator.sandboxes.e2b.reaping import reap as end_all

    redactor = known_secrets()
    ended = 0
    for sandbox in end_all(e2b_connection(manifest, gateway, redactor), run, shard):
        console.say(f"ended sandbox {sandbox.id} of {sandbox.crate}, started at {sandbox.started}")
        ended += 1
    console.say(f"run {run}: {ended} sandbox{'es' * (ended != 1)} ended")


@click.command()
@manifest_option
@backend_option
@gateway_options
def doctor(manifest: Path, backend: str, gateway: Gateway) -> None:
    """Say what a build lacks before anything is spent.

    It looks at tools, keys, the template and the room on the disk. Exits with 2 when something is missing, with 4
    when the service cannot be asked.
    """
    from generator.doctor.findings import COLUMNS, verdict
    from generator.manifest.reading import load_manifest

    if backend == "local":
        from generator.doctor.local import local_findings

        found = local_findings(os.environ)
    else:
        from generator.doctor.e2b import e2b_findings

        loaded = load_manifest(manifest)
        redactor = known_secrets(loaded)
        found = e2b_findings(loaded, manifest.resolve().parent, lambda: e2b_connection(manifest, gateway, redactor))
    console.table(COLUMNS, ((each.check, each.state, each.message) for each in found))
    if problem := verdict(found):
        raise problem


@click.command()
@manifest_option
@click.option("--shard", metavar="I/N", help="Those of part I of N: of the --crate ones, or of the whole fleet.")
@click.option(
    "--crate",
    "crates",
    multiple=True,
    metavar="NAME",
    envvar="CRATEMATRIX_TARGETS_CRATE",
    help="Those of this crate; may be given several times, and in the variable with spaces between.",
)
def targets(manifest: Path, shard: str | None, crates: tuple[str, ...]) -> None:
    """Print the Rust targets that local builds lack.

    One a line, for: rustup target add $(cratematrix targets). Those of platforms that nothing here links for are left
    out.
    """
    from generator.backends.local import local_toolchain
    from generator.builds.run import Selection
    from generator.manifest.reading import load_manifest
    from generator.toolchain.rust_targets import missing_targets, unlinked_platforms

    loaded = load_manifest(manifest)
    names, toolchain = Selection(shard, crates).names(loaded), local_toolchain(os.environ)
    for target in missing_targets(loaded, names, toolchain):
        console.data(target)
    if left := unlinked_platforms(loaded, names, toolchain):
        console.say(f"note: left out, since nothing here links for them: {', '.join(left)}; see cratematrix doctor")


@click.group()
def template() -> None:
    """The image that sandboxes of E2B start from."""


@template.command("build")
@manifest_option
@click.option(
    "--size",
    "sizes",
    multiple=True,
    type=click.Choice(["small", "standard", "large"]),
    envvar="CRATEMATRIX_TEMPLATE_BUILD_SIZE",
    help="Only this size class; may be given several times.  [default: those that crates of the manifest use, and the "
    "next larger]",
)
@click.option("--force", is_flag=True, help="Build also what is there already, from the first layer on.")
@gateway_options
def template_build(manifest: Path, sizes: tuple[Size, ...], force: bool, gateway: Gateway) -> None:
    """Build the image of E2B's sandboxes, and try it.

    One per size class, from the rendered Dockerfile. What exists with the same content is not built again.
    """
    from generator.manifest.reading import load_manifest
    from generator.sandboxes.e2b.template.building import build_templates, sizes_in_use
    from generator.sandboxes.e2b.template.definition import load_definition

    loaded = load_manifest(manifest)
    redactor = known_secrets(loaded)
    connection = e2b_connection(manifest, gateway, redactor)
    definition = load_definition(manifest.resolve().parent)
    build_templates(loaded, definition, connection, sizes or sizes_in_use(loaded), force, console.say)
