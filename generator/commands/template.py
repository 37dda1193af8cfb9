"""The group of commands `template`."""

from __future__ import annotations

import click

from generator.commands.lazy_group import LazyCommand, LazyGroup

COMMANDS = {
    "build": LazyCommand(
        "generator.commands.template_build:template_build", "Build and test the image of E2B's sandboxes."
    ),
    "outdated": LazyCommand(
        "generator.commands.template_outdated:template_outdated",
        "Compare the versions in the image with the newest ones.",
    ),
}


@click.group(cls=LazyGroup, lazy_commands=COMMANDS)
def template() -> None:
    """The image of E2B's sandboxes."""
