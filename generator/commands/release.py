"""The group of commands `release`."""

from __future__ import annotations

import click

from generator.commands.lazy_group import LazyCommand, LazyGroup

COMMANDS = {
    "prepare": LazyCommand(
        "generator.commands.release_prepare:prepare", "Create or find the draft of a tag, and print its ID."
    ),
    "upload": LazyCommand(
        "generator.commands.release_upload:upload", "Upload the packages of the reports to the draft."
    ),
    "resume": LazyCommand(
        "generator.commands.release_resume:resume", "Download what the draft has of a shard, for `build --reuse`."
    ),
    "publish": LazyCommand("generator.commands.release_publish:publish", "Publish the draft when it is complete."),
    "verify": LazyCommand(
        "generator.commands.release_verify:verify", "Download a published release and check every byte."
    ),
}


@click.group(cls=LazyGroup, lazy_commands=COMMANDS)
def release() -> None:
    """One GitHub release for the whole fleet.

    It stays a draft until it is complete. GITHUB_TOKEN, GITHUB_REPOSITORY and GITHUB_API_URL choose the repository;
    GitHub Actions sets them.
    """
