"""The command line: where every command is called, and where errors become sentences and exit codes.

Nothing heavy is imported before a command needs it, so that --help and --version answer at once.
"""

from __future__ import annotations

import os
from typing import Any

import click

from generator import __version__, console
from generator.commands import builds, manifests, releases, sandboxes, workflows
from generator.errors import CratematrixError, InputError, Interrupted


class Cli(click.Group):
    """Turns errors into sentences and exit codes, in this one place."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except CratematrixError as problem:
            if ctx.params["debug"]:
                console.trace()
            console.error(problem)
            ctx.exit(problem.exit_code)
        except BrokenPipeError:
            # Whoever read stdout has gone; Python would complain again when it closes the stream.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            ctx.exit(1)
        except KeyboardInterrupt:
            console.error(Interrupted("interrupted"))
            ctx.exit(Interrupted.exit_code)
        except OSError as problem:
            if ctx.params["debug"]:
                console.trace()
            where = f"{problem.filename}: " if problem.filename else ""
            console.error(InputError(f"{where}{problem.strerror or problem}"))
            ctx.exit(InputError.exit_code)
        except Exception as bug:
            if ctx.params["debug"]:
                console.trace()
            console.error(CratematrixError(f"a bug: {type(bug).__name__}: {bug}", fix="run it again with --debug"))
            ctx.exit(1)


@click.group(cls=Cli, context_settings={"auto_envvar_prefix": "CRATEMATRIX", "help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cratematrix", allow_from_autoenv=False)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """Build a fleet of Rust crates in sandboxes and ship them as npm packages.

    Start with `cratematrix init`, look at `cratematrix plan`, then run `cratematrix build --all`.

    Every option can be given as a variable, such as CRATEMATRIX_BUILD_JOBS for build --jobs.

    Exit codes: 0 done, 1 a build failed or a release is not complete, 2 input is wrong, 3 generated files are stale,
    4 sandboxes or GitHub cannot be reached, 130 interrupted.
    """


for _command in (
    manifests.init,
    manifests.check,
    workflows.plan,
    workflows.generate,
    builds.build,
    sandboxes.reap,
    sandboxes.doctor,
    sandboxes.targets,
    sandboxes.template,
    releases.release,
    builds.report,
    manifests.schema,
):
    main.add_command(_command)
