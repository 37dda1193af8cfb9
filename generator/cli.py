"""The command line: the table of commands, and the one place that turns errors into messages and exit codes."""

from __future__ import annotations

import os
from typing import Any, NoReturn

import click

from generator import __version__
from generator.commands.lazy_group import LazyCommand, LazyGroup, with_output_options
from generator.console.output import print_error, print_traceback
from generator.errors import CratematrixError, InputError, Interrupted

COMMANDS = {
    "init": LazyCommand("generator.commands.init:init", "Find the crates of this repository and write the manifest."),
    "check": LazyCommand("generator.commands.check:check", "Print every error of the manifest, each with its line."),
    "plan": LazyCommand("generator.commands.plan:plan", "Print the crates of each slot and the predicted minutes."),
    "generate": LazyCommand("generator.commands.generate:generate", "Render GitHub's workflows and E2B's Dockerfile."),
    "build": LazyCommand(
        "generator.commands.build:build", "Build crates, each in its own sandbox, and pack them for npm."
    ),
    "reap": LazyCommand("generator.commands.reap:reap", "End the sandboxes of a killed run at E2B."),
    "doctor": LazyCommand("generator.commands.doctor:doctor", "Check everything that a build needs, before it runs."),
    "targets": LazyCommand(
        "generator.commands.targets:targets", "Print the Rust targets that local builds need and do not have."
    ),
    "template": LazyCommand("generator.commands.template:template", "The image of E2B's sandboxes."),
    "release": LazyCommand("generator.commands.release:release", "One GitHub release for the whole fleet."),
    "report": LazyCommand("generator.commands.report:report", "Merge the reports of a run's shards into one."),
    "schema": LazyCommand("generator.commands.schema:schema", "Print the manifest's JSON Schema."),
}


class Cli(LazyGroup):
    """The group of all commands; its `invoke` turns errors into messages and exit codes."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            # The reader of stdout has closed it, and Python would fail again when it closes the stream.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            ctx.exit(1)
        except KeyboardInterrupt:
            _exit(ctx, Interrupted("interrupted"))
        except Exception as exception:
            if ctx.params["debug"]:
                print_traceback()
            _exit(ctx, _as_error(exception))


def _exit(ctx: click.Context, error: CratematrixError) -> NoReturn:
    print_error(error)
    ctx.exit(error.exit_code)


def _as_error(exception: Exception) -> CratematrixError:
    """Return the error to print for an exception of a command."""
    match exception:
        case CratematrixError():
            return exception
        case OSError():
            file = f"{exception.filename}: " if exception.filename else ""
            return InputError(f"{file}{exception.strerror or exception}")
        case _:
            bug = f"a bug: {type(exception).__name__}: {exception}"
            return CratematrixError(bug, fix="run it again with --debug")


@click.group(
    cls=Cli,
    lazy_commands=COMMANDS,
    context_settings={"auto_envvar_prefix": "CRATEMATRIX", "help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="cratematrix", allow_from_autoenv=False)
@click.option("--debug", is_flag=True, help="Print the traceback of an error.")
def main(debug: bool) -> None:
    """Build a fleet of Rust crates in sandboxes and ship them as npm packages.

    Start with `cratematrix init` and `cratematrix check`, then run `cratematrix build --all`.

    Every option is also an environment variable, such as CRATEMATRIX_BUILD_JOBS for build --jobs.

    Exit codes: 0 success, 1 a build failed or a release is incomplete, 2 the input is wrong, 3 generated files are
    stale, 4 E2B, GitHub or bubblewrap is unavailable, 130 interrupted.
    """


with_output_options(main)
