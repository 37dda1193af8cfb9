"""The command `doctor`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from generator.commands.options import backend_option, gateway_options, manifest_option
from generator.commands.secrets import e2b_connection, mask_secrets
from generator.console.tables import print_table
from generator.doctor.findings import COLUMNS, Finding, examine_local, verdict
from generator.manifest.reading import load_manifest
from generator.sandboxes.e2b.connection import Gateway


@click.command()
@manifest_option
@backend_option
@gateway_options
def doctor(manifest: Path, backend: str, gateway: Gateway) -> None:
    """Check everything that a build needs, before it runs.

    Checks tools, keys, the template and the free disk space. Exits with 2 when something is missing, with 4 when E2B
    is unavailable.
    """
    findings = examine_local(os.environ) if backend == "local" else _examine_e2b(manifest, gateway)
    print_table(COLUMNS, ((each.what, each.state, each.words) for each in findings))
    if error := verdict(findings):
        raise error


def _examine_e2b(manifest: Path, gateway: Gateway) -> list[Finding]:
    from generator.doctor.e2b import examine_e2b

    loaded = load_manifest(manifest)
    redactor = mask_secrets(loaded)
    directory = manifest.resolve().parent
    return examine_e2b(loaded, directory, lambda: e2b_connection(loaded.fleet.e2b, gateway, redactor))
