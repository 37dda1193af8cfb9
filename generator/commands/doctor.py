"""The command `doctor`."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import click

from generator.commands.options import backend_option, gateway_options, json_option, manifest_option
from generator.commands.secrets import e2b_connection, mask_secrets
from generator.console.output import print_data, printable
from generator.doctor.findings import Finding, lines, verdict
from generator.doctor.local import local_findings
from generator.doctor.needs import manifest_needs
from generator.manifest.reading import load_manifest
from generator.sandboxes.e2b.connection import Gateway


@click.command()
@manifest_option
@backend_option
@gateway_options
@json_option("CRATEMATRIX_DOCTOR_JSON")
def doctor(manifest: Path, backend: str, gateway: Gateway, as_json: bool) -> None:
    """Check everything that a build needs, before it runs.

    Checks what the crates of the manifest need: tools, keys, the template and the free disk space. Exits with 2 when
    something is missing, with 4 when E2B is unavailable.
    """
    findings = _local_findings(manifest) if backend == "local" else _e2b_findings(manifest, gateway)
    if as_json:
        print_data(json.dumps({"checks": [asdict(finding) for finding in findings]}, indent=2))
    else:
        print_data("\n".join(printable(line) for finding in findings for line in lines(finding)))
    if error := verdict(findings):
        raise error


def _local_findings(manifest: Path) -> list[Finding]:
    found, needs = manifest_needs(manifest)
    return [found, *local_findings(os.environ, needs)]


def _e2b_findings(manifest: Path, gateway: Gateway) -> list[Finding]:
    from generator.doctor.e2b import e2b_findings  # noqa: PLC0415  checks of this machine need no E2B SDK

    loaded = load_manifest(manifest)
    redactor = mask_secrets(loaded)
    directory = manifest.resolve().parent
    return e2b_findings(loaded, directory, lambda: e2b_connection(loaded.fleet.e2b, gateway, redactor))
