"""Options and the GitHub connection that the `release` commands share."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import click

from generator.commands.options import out_option
from generator.commands.secrets import mask_secrets
from generator.console.output import print_message
from generator.github_api.connection import connection
from generator.github_api.retry import Retry
from generator.releases.github import GitHubReleases
from generator.releases.protocol import Releases
from generator.reports.models import Report

tag_option = click.option("--tag", required=True, help="Tag of the release, such as v1.0.0.")
release_id_option = click.option(
    "--release-id", required=True, type=click.IntRange(1), metavar="ID", help="ID of the draft that `prepare` printed."
)
reports_option = out_option("Directory with the reports, in it or below, and the packages beside them.")


@contextlib.contextmanager
def open_releases(*, anonymous: bool = False) -> Iterator[Releases]:
    """Open the releases of the repository in the environment, and mask the secrets."""
    mask_secrets()
    with contextlib.closing(GitHubReleases(connection(os.environ, anonymous=anonymous))) as releases:
        yield releases


def print_modified(report: Report) -> None:
    """Say that packages were not built from a commit alone."""
    if report.modified:
        print_message("note: tracked files were modified at the build, so the commit does not have all of its source")


def github_retry() -> Retry:
    """Return the retry of GitHub requests, which prints each attempt."""
    return Retry(print_message)
