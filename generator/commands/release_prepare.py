"""The command `release prepare`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from generator.commands.options import json_option, manifest_option
from generator.commands.release_options import github_retry, open_releases, tag_option
from generator.console.output import print_data, print_message
from generator.files.output import open_output
from generator.github_api.connection import commit_of, repository_url
from generator.manifest.reading import load_manifest
from generator.planning.plan import make_plan
from generator.releases.budget import check_budget
from generator.releases.expected_assets import expected_packages
from generator.releases.following import previous_index
from generator.releases.notes import draft_body
from generator.releases.preparing import prepare as prepare_draft
from generator.releases.tags import is_prerelease, release_tag
from generator.reports.index import INDEX, FleetIndex
from generator.text import counted


@click.command()
@manifest_option
@tag_option
@click.option(
    "--previous",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the index of the release before into this file, for `build --previous`.",
)
@json_option("CRATEMATRIX_RELEASE_PREPARE_JSON")
def prepare(manifest: Path, tag: str, previous: Path | None, as_json: bool) -> None:
    """Create or find the draft of a tag, and print its ID.

    First checks the assets, requests and minutes of the whole release against GitHub's limits. A tag has one draft,
    of one commit: GITHUB_SHA, or the checked-out one.

    The release before is the latest published one with a fleet.json that the new one may replace as the latest. Without
    one, FILE has no crates, so all are built.
    """
    loaded = load_manifest(manifest)
    release_tag(tag, loaded.fleet)
    plan, retry = make_plan(loaded), github_retry()
    check_budget(loaded, plan)
    with open_releases() as releases:
        others = retry.call(releases.count, "counting the releases")
        print_message(f"{tag}: {check_budget(loaded, plan, others)}")
        commit = commit_of(os.environ, manifest.resolve().parent)
        body = draft_body(loaded, tag, repository_url(os.environ))
        draft = prepare_draft(releases, tag, commit, body, is_prerelease(tag, loaded.fleet), retry)
        if previous:
            before = previous_index(releases, tag, loaded.fleet.release_tags, retry)
            index = before or FleetIndex(tag=tag, commit=commit, backend=loaded.fleet.backend, crates=())
            with open_output(previous.parent) as directory:
                directory.write(previous.name, index.content)
            print_message(_followed(tag, before))
    print_message(f"draft {draft.id} of {tag} at {commit}")
    result = {"tag": tag, "commit": commit, "release_id": draft.id, "packages": len(expected_packages(loaded))}
    print_data(json.dumps(result, indent=2) if as_json else str(draft.id))


def _followed(tag: str, before: FleetIndex | None) -> str:
    if before is None:
        return f"no release with {INDEX} comes before {tag}, so every crate is built"
    return f"{tag} follows {before.tag}, which has {counted(len(before.crates), 'crate')} to take if unchanged"
