"""The command `release publish`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from generator.commands.options import json_option, manifest_option
from generator.commands.release_options import github_retry, open_releases, release_id_option, reports_option
from generator.console.output import print_data, print_message
from generator.github_actions.step_files import github_run_id
from generator.manifest.reading import load_manifest
from generator.releases.publishing import publish as publish_draft
from generator.reports.merging import merge_directory


@click.command()
@manifest_option
@release_id_option
@reports_option
@click.option("--keep-draft", is_flag=True, help="Write and upload SHA256SUMS, but do not publish.")
@json_option("CRATEMATRIX_RELEASE_PUBLISH_JSON")
def publish(manifest: Path, release_id: int, out: Path, keep_draft: bool, as_json: bool) -> None:
    """Publish the draft when it is complete.

    It must have every package that the manifest expects, as built, and no other asset. Otherwise every difference is
    printed, and it stays a draft. SHA256SUMS is written into --out and uploaded last.
    """
    loaded, report = load_manifest(manifest), merge_directory(out, github_run_id(os.environ))
    with open_releases() as releases:
        published = publish_draft(releases, release_id, loaded, report, out, keep_draft, github_retry())
    if as_json:
        result = {"tag": published.tag, "release_id": published.id, "draft": published.draft}
        print_data(json.dumps(result, indent=2))
    print_message(f"{published.tag}: complete, and {'still a draft' if published.draft else 'published'}")
