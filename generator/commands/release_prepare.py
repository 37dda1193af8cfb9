"""The command `release prepare`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from generator.commands.options import json_option, manifest_option
from generator.commands.release_options import github_retry, open_releases, tag_option
from generator.console.output import print_data, print_message
from generator.github_api.connection import commit_of, repository_url
from generator.manifest.reading import load_manifest
from generator.planning.plan import make_plan
from generator.releases.budget import check_budget
from generator.releases.expected_assets import expected_packages
from generator.releases.notes import release_notes
from generator.releases.preparing import prepare as prepare_draft
from generator.releases.tags import is_prerelease, release_tag


@click.command()
@manifest_option
@tag_option
@json_option("CRATEMATRIX_RELEASE_PREPARE_JSON")
def prepare(manifest: Path, tag: str, as_json: bool) -> None:
    """Create or find the draft of a tag, and print its ID.

    First checks the assets, requests and minutes of the whole release against GitHub's limits. A tag has one draft,
    of one commit: GITHUB_SHA, or the checked-out one.
    """
    loaded = load_manifest(manifest)
    release_tag(tag, loaded.fleet)
    plan, retry = make_plan(loaded), github_retry()
    check_budget(loaded, plan)
    with open_releases() as releases:
        others = retry.call(releases.count, "counting the releases")
        print_message(f"{tag}: {check_budget(loaded, plan, others)}")
        commit = commit_of(os.environ, manifest.resolve().parent)
        notes = release_notes(loaded, tag, repository_url(os.environ))
        draft = prepare_draft(releases, tag, commit, notes, is_prerelease(tag, loaded.fleet), retry)
    print_message(f"draft {draft.id} of {tag} at {commit}")
    result = {"tag": tag, "commit": commit, "release_id": draft.id, "packages": len(expected_packages(loaded))}
    print_data(json.dumps(result, indent=2) if as_json else str(draft.id))
