"""The command `release verify`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from generator.commands.options import json_option, manifest_option
from generator.commands.release_options import github_retry, open_releases, tag_option
from generator.console.output import print_data, print_message
from generator.manifest.reading import load_manifest
from generator.releases.tags import checked_tag
from generator.releases.verifying import verify as verify_release
from generator.reports.index import INDEX
from generator.text import counted


@click.command()
@manifest_option
@tag_option
@json_option("CRATEMATRIX_RELEASE_VERIFY_JSON")
def verify(manifest: Path, tag: str, as_json: bool) -> None:
    """Download a published release and check every byte.

    Compares it with the manifest, its fleet.json and its SHA256SUMS. It may be without crates in quarantine, and names
    them. A public repository needs no token.
    """
    checked_tag(tag)
    loaded = load_manifest(manifest)
    with open_releases(anonymous=True) as releases:
        verified = verify_release(releases, tag, loaded, github_retry())
    if as_json:
        print_data(json.dumps({"tag": tag, **verified.model_dump()}, indent=2))
    without = f"; without {', '.join(verified.absent)} in quarantine" if verified.absent else ""
    before = "" if verified.index else f"; it has no {INDEX}, as releases of earlier versions of cratematrix"
    print_message(f"{tag}: {counted(verified.packages, 'package')}, all verified{without}{before}")
