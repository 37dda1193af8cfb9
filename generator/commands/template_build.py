"""The command `template build`."""

from __future__ import annotations

from pathlib import Path

import click

from generator.commands.options import gateway_options, manifest_option
from generator.commands.secrets import e2b_connection, mask_secrets
from generator.console.output import print_message
from generator.manifest.reading import load_manifest
from generator.manifest.values import Size
from generator.sandboxes.e2b.connection import Gateway
from generator.sandboxes.e2b.template.building import build_templates, sizes_in_use
from generator.sandboxes.e2b.template.definition import load_definition


@click.command("build")
@manifest_option
@click.option(
    "--size",
    "sizes",
    multiple=True,
    type=click.Choice(["small", "standard", "large"]),
    envvar="CRATEMATRIX_TEMPLATE_BUILD_SIZE",
    help="Only this size; repeat it for more.  [default: the sizes of the manifest's crates, and the next larger ones]",
)
@click.option("--force", is_flag=True, help="Rebuild existing images too, from the first layer on.")
@gateway_options
def template_build(manifest: Path, sizes: tuple[Size, ...], force: bool, gateway: Gateway) -> None:
    """Build and test the image of E2B's sandboxes.

    Builds one image per size from the rendered Dockerfile. An image with the same content is not built again.
    """
    loaded = load_manifest(manifest)
    connection = e2b_connection(loaded.fleet.e2b, gateway, mask_secrets(loaded))
    definition = load_definition(manifest.resolve().parent)
    build_templates(loaded, definition, connection, sizes or sizes_in_use(loaded), force, print_message)
