"""The command `reap`."""

from __future__ import annotations

from pathlib import Path

import click

from generator.commands.options import gateway_options, manifest_option
from generator.commands.secrets import e2b_connection, mask_secrets
from generator.console.output import print_message
from generator.manifest.fleet_models import E2BService
from generator.manifest.reading import load_manifest
from generator.sandboxes.e2b.connection import Gateway
from generator.sandboxes.e2b.reaping import reap as end_sandboxes


@click.command()
@manifest_option
@click.option(
    "--run",
    required=True,
    envvar=["CRATEMATRIX_REAP_RUN", "GITHUB_RUN_ID"],
    metavar="ID",
    help="ID of the run; `build` prints it at its start, and the report has it.  [default in GitHub Actions: this run]",
)
@click.option("--shard", metavar="I/N", help="Only the sandboxes of this shard.")
@gateway_options
def reap(manifest: Path, run: str, shard: str | None, gateway: Gateway) -> None:
    """End the sandboxes of a killed run at E2B.

    Ends running and paused sandboxes, also those kept by --keep-failed. They would end by themselves after some
    minutes. Sandboxes of other runs stay.
    """
    redactor = mask_secrets()
    service = load_manifest(manifest).fleet.e2b if manifest.exists() else E2BService()
    ended = 0
    for sandbox in end_sandboxes(e2b_connection(service, gateway, redactor), run, shard):
        print_message(f"ended sandbox {sandbox.id} of {sandbox.crate}, started at {sandbox.started}")
        ended += 1
    print_message(f"run {run}: {ended} sandbox{'es' * (ended != 1)} ended")
