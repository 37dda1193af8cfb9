"""The command `release publish`."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import click

from generator.commands.options import json_option, manifest_option
from generator.commands.release_options import (
    github_retry,
    open_releases,
    print_modified,
    release_id_option,
    reports_option,
)
from generator.console.output import print_data, print_message
from generator.github_actions.step_files import github_run_id, write_step_outputs
from generator.github_api.connection import repository_url
from generator.manifest.reading import load_manifest
from generator.releases.publishing import publish as publish_draft
from generator.releases.publishing import remove_draft, unchanged_since
from generator.reports.merging import merge_directory
from generator.reports.quarantines import quarantine_words, with_quarantines


@click.command()
@manifest_option
@release_id_option
@reports_option
@click.option("--keep-draft", is_flag=True, help="Write and upload fleet.json and SHA256SUMS, but do not publish.")
@click.option(
    "--unless-unchanged",
    is_flag=True,
    envvar="CRATEMATRIX_RELEASE_PUBLISH_UNLESS_UNCHANGED",
    help="Remove the draft, and publish nothing, if every crate is unchanged since the release before.",
)
@json_option("CRATEMATRIX_RELEASE_PUBLISH_JSON")
def publish(
    manifest: Path, release_id: int, out: Path, keep_draft: bool, unless_unchanged: bool, as_json: bool
) -> None:
    """Publish the draft when it is complete.

    It must have every package that the manifest expects, as built, and no other asset. Otherwise every difference is
    printed, and it stays a draft. Of crates that failed in quarantine nothing is expected. fleet.json and SHA256SUMS
    are written into --out and uploaded last. The release's text gets a list of all packages, and of these crates.
    """
    loaded, merged = load_manifest(manifest), merge_directory(out, github_run_id(os.environ))
    report, address = with_quarantines(merged, loaded, datetime.now(UTC).date()), repository_url(os.environ)
    if unless_unchanged and (before := unchanged_since(loaded, report)):
        with open_releases() as releases:
            remove_draft(releases, release_id, report.commit, github_retry())
        write_step_outputs(os.environ, {"unchanged": before})
        if as_json:
            print_data(json.dumps({"unchanged_since": before}, indent=2))
        print_message(f"nothing changed since {before}, so the draft {release_id} is removed")
        return
    print_modified(report)
    with open_releases() as releases:
        published = publish_draft(releases, release_id, loaded, report, address, out, keep_draft, github_retry())
    broken = [crate for crate in report.crates if crate.failed_in_quarantine]
    if as_json:
        result = {"tag": published.tag, "release_id": published.id, "draft": published.draft}
        print_data(json.dumps({**result, "quarantined": [crate.name for crate in broken]}, indent=2))
    for crate in broken:
        print_message(f"without {crate.name}, {quarantine_words(crate)}")
    print_message(f"{published.tag}: complete, and {'still a draft' if published.draft else 'published'}")
