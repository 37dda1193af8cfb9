"""The command `doctor`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from generator.commands.options import backend_option, gateway_options, manifest_option
from generator.commands.secrets import e2b_connection, mask_secrets
from generator.console.tables import print_table
from generator.doctor.findings import COLUMNS, Finding, verdict
from generator.doctor.local import local_findings
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
    findings = local_findings(os.environ) if backend == "local" else _e2b_findings(manifest, gateway)
    print_table(COLUMNS, ((finding.check, finding.state, finding.message) for finding in findings))
    if error := verdict(findings):
        raise error


def _e2b_findings(manifest: Path, gateway: Gateway) -> list[Finding]:
    from generator.doctor.e2b import e2b_findings  # noqa: PLC0415  checks of this machine need no E2B SDK

    loaded = load_manifest(manifest)
    redactor = mask_secrets(loaded)
    directory = manifest.resolve().parent
    return e2b_findings(loaded, directory, lambda: e2b_connection(loaded.fleet.e2b, gateway, redactor))
