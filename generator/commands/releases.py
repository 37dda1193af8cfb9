"""One GitHub release for the whole fleet."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator import console
from generator.commands.options import manifest_option
from generator.commands.secrets import known_secrets
from generator.github_actions.step_files import github_run, step_outputs
from generator.github_api.retry import WRITES_A_MINUTE
from generator.text import counted

if TYPE_CHECKING:
    from generator.github_api.retry import Retry
    from generator.releases.protocol import Releases


@click.group()
def release() -> None:
    """One GitHub release for the whole fleet.

    It is a draft until everything is there, and then published. GITHUB_TOKEN, GITHUB_REPOSITORY and GITHUB_API_URL
    say which repository; in GitHub Actions they are there.
    """


tag_option = click.option("--tag", required=True, help="The release's tag, such as v1.0.0.")
release_id_option = click.option(
    "--release-id", required=True, type=click.IntRange(1), metavar="ID", help="The number that `prepare` printed."
)
reports_option = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path("dist"),
    show_default=True,
    help="Where the reports are, in it or in directories below, and the packages beside them.",
)


@release.command()
@manifest_option
@tag_option
def prepare(manifest: Path, tag: str) -> None:
    """Create or adopt the draft of a tag, and print its number.

    Before that, the assets, requests and minutes of the whole release are counted against GitHub's limits. There is
    one draft of a tag, of one commit: GITHUB_SHA, or the one that is checked out.
    """
    from generator.github_api.connection import commit_of
    from generator.manifest.reading import load_manifest
    from generator.releases.budget import check_budget
    from generator.releases.expected_assets import expected_packages
    from generator.releases.preparing import prepare as prepare_draft
    from generator.releases.tags import release_tag

    loaded = load_manifest(manifest)
    release_tag(tag, loaded.fleet)
    console.say(f"{tag}: {check_budget(loaded)}")
    with _releases() as releases:
        commit = commit_of(os.environ, manifest.resolve().parent)
        body = f"{len(expected_packages(loaded))} npm packages. Check them: `cratematrix release verify --tag {tag}`"
        draft = prepare_draft(releases, tag, commit, body, _patience())
    console.say(f"draft {draft.id} of {tag} at {commit}")
    console.data(str(draft.id))


@release.command()
@release_id_option
@reports_option
@click.option(
    "--writes-per-minute",
    type=click.IntRange(1),
    default=WRITES_A_MINUTE,
    show_default=True,
    help="What GitHub allows all shards together; a server of your own may allow more.",
)
def upload(release_id: int, out: Path, writes_per_minute: int) -> None:
    """Bring the packages that the reports tell of onto the draft.

    What is there with the same digest is not sent again, and what is there in another state is replaced.
    """
    import json

    from generator.releases.uploading import packages_of
    from generator.releases.uploading import upload as upload_all
    from generator.reports.merging import merged, reports_below

    reports = reports_below(out, github_run(os.environ))
    packages = packages_of(reports, out)
    if not packages:
        console.say("no package was built, so there is nothing to upload")
        return
    # Shards whose reports are not here may be at work elsewhere, at the same time.
    shards = 1 + len(merged(tuple(report for _, report in reports)).missing_shards)
    with _releases() as releases:
        done = upload_all(releases, release_id, packages, shards, writes_per_minute, _patience())
    step_outputs(os.environ, {"assets": json.dumps([package.file.file for package in packages])})
    console.say(f"{done['upload']} uploaded, {done['skip']} skipped, {done['replace']} replaced")


@release.command()
@manifest_option
@release_id_option
@reports_option
@click.option("--keep-draft", is_flag=True, help="Stop before publishing, with SHA256SUMS written and uploaded.")
def publish(manifest: Path, release_id: int, out: Path, keep_draft: bool) -> None:
    """Publish the draft when it is complete.

    Every package that the manifest promises must be on it as built, and nothing else. Otherwise all that is wrong
    is listed, and the draft stays one. SHA256SUMS is written into --out and goes last.
    """
    from generator.manifest.reading import load_manifest
    from generator.releases.publishing import publish as publish_draft
    from generator.reports.merging import merge_directory

    loaded, told = load_manifest(manifest), merge_directory(out, github_run(os.environ))
    with _releases() as releases:
        published = publish_draft(releases, release_id, loaded, told, out, keep_draft, _patience())
    console.say(f"{published.tag}: complete, and {'still a draft' if published.draft else 'published'}")


@release.command()
@manifest_option
@tag_option
def verify(manifest: Path, tag: str) -> None:
    """Download a published release, and check every byte of it.

    It is compared with the manifest and with its SHA256SUMS. Works without a token for a public repository.
    """
    from generator.manifest.reading import load_manifest
    from generator.releases.tags import checked_tag
    from generator.releases.verifying import verify as verify_release

    checked_tag(tag)
    loaded = load_manifest(manifest)
    with _releases(anonymous=True) as releases:
        count = verify_release(releases, tag, loaded, _patience())
    console.say(f"{tag}: {counted(count, 'package')}, all verified")


@contextlib.contextmanager
def _releases(*, anonymous: bool = False) -> Iterator[Releases]:
    """Open the repository that the environment names."""
    from generator.github_api.connection import connection

    known_secrets()
    where = connection(os.environ, anonymous=anonymous)
    # PyGithub takes a fifth of a second, which a wrong environment need not wait for.
    from generator.releases.github import GitHubReleases

    with contextlib.closing(GitHubReleases(where)) as releases:
        yield releases


def _patience() -> Retry:
    from generator.github_api.retry import Retry

    return Retry(console.say)
