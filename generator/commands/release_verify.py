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
from generator.text import counted


@click.command()
@manifest_option
@tag_option
@json_option("CRATEMATRIX_RELEASE_VERIFY_JSON")
def verify(manifest: Path, tag: str, as_json: bool) -> None:
    """Download a published release and check every byte.

    Compares it with the manifest and with its SHA256SUMS. A public repository needs no token.
    """
    checked_tag(tag)
    loaded = load_manifest(manifest)
    with open_releases(anonymous=True) as releases:
        count = verify_release(releases, tag, loaded, github_retry())
    if as_json:
        print_data(json.dumps({"tag": tag, "packages": count}, indent=2))
    print_message(f"{tag}: {counted(count, 'package')}, all verified")
