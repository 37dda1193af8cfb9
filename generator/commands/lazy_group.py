"""A group of commands that imports a command only when it runs."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click
from click.shell_completion import CompletionItem


@dataclass(frozen=True)
class LazyCommand:
    """A command's place as "module:attribute", and its help in one line: the list of commands needs no import."""

    target: str
    help: str

    def load(self) -> click.Command:
        """Import the command."""
        command: click.Command = pkgutil.resolve_name(self.target)
        return command


class LazyGroup(click.Group):
    """Click's recipe for lazy commands: https://click.palletsprojects.com/en/stable/complex/#lazily-loading-subcommands."""

    def __init__(self, *, lazy_commands: Mapping[str, LazyCommand], **attributes: Any) -> None:
        super().__init__(**attributes)
        self.lazy_commands = lazy_commands

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands in the order of the alphabet."""
        return sorted(self.lazy_commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, or return None for an unknown name."""
        command = self.lazy_commands.get(cmd_name)
        return command.load() if command else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands and import none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.lazy_commands[name].help) for name in self.list_commands(ctx)])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands and options that begin with a text, and import none of the commands."""
        names = (name for name in self.list_commands(ctx) if name.startswith(incomplete))
        commands = [CompletionItem(name, help=self.lazy_commands[name].help) for name in names]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]
