"""A group of commands that imports a command only when it runs."""

from __future__ import annotations

import gc
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from generator.console.output import set_quiet, set_verbose

QUIET_HELP: Final = "Print only results and errors."
VERBOSE_HELP: Final = (
    "Also print each line of the crates' builds on a terminal, and each program that runs outside of the sandboxes."
)


def _quiet(_context: click.Context, _option: click.Parameter, chosen: bool) -> None:
    if chosen:
        set_quiet()


def _verbose(_context: click.Context, _option: click.Parameter, chosen: bool) -> None:
    if chosen:
        set_verbose()


def output_options() -> list[click.Option]:
    """Return the options on how much a command prints; each command has them, and the group of all commands."""
    return [
        click.Option(["-q", "--quiet"], is_flag=True, expose_value=False, callback=_quiet, help=QUIET_HELP),
        click.Option(["-v", "--verbose"], is_flag=True, expose_value=False, callback=_verbose, help=VERBOSE_HELP),
    ]


def with_output_options(command: click.Command) -> click.Command:
    """Return a command that has these options, once."""
    if not any(each.name == "quiet" for each in command.params):
        command.params += output_options()
    return command


@dataclass(frozen=True)
class LazyCommand:
    """A command's place as "module:attribute", and its help in one line: the list of commands needs no import."""

    target: str
    help: str

    def load(self) -> click.Command:
        """Import the command without garbage collection, which would take a seventh of the time and free nothing."""
        gc.disable()
        try:
            command: click.Command = pkgutil.resolve_name(self.target)
        finally:
            gc.enable()
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
        return with_output_options(command.load()) if command else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands and import none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.lazy_commands[name].help) for name in self.list_commands(ctx)])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands and options that begin with a text, and import none of the commands."""
        names = (name for name in self.list_commands(ctx) if name.startswith(incomplete))
        commands = [CompletionItem(name, help=self.lazy_commands[name].help) for name in names]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]
