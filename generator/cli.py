"""The command line: each command parses, calls, and prints.

Nothing heavy is imported before a command needs it, so that --help and --version answer at once.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

import click

from generator import __version__, console
from generator.errors import BuildFailed, CratematrixError, InputError, Interrupted, Stale


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


manifest_option = click.option(
    "--manifest",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("crates.json"),
    show_default=True,
    help="The manifest, JSON or YAML.",
)


@click.group(cls=Cli, context_settings={"auto_envvar_prefix": "CRATEMATRIX", "help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cratematrix", allow_from_autoenv=False)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """Build a fleet of Rust crates in sandboxes and ship them as npm packages.

    Start with `cratematrix init`, look at `cratematrix plan`, then run `cratematrix build --all`.

    Every option can be given as a variable, such as CRATEMATRIX_BUILD_JOBS for build --jobs.

    Exit codes: 0 done, 1 a build failed, 2 input is wrong, 3 generated files are stale, 4 sandboxes or GitHub
    cannot be reached, 130 interrupted.
    """


@main.command()
@manifest_option
@click.option("--force", is_flag=True, help="Overwrite the manifest.")
def init(manifest: Path, force: bool) -> None:
    """Find the crates of this repository and write the manifest.

    Looks for Cargo workspace members, packages with a napi key, wasm-bindgen crates and programs below the
    manifest's directory, and says what it left out and why.
    """
    from generator.discovery import discover, manifest_text, write_new

    found = discover(manifest.absolute().parent)
    write_new(manifest, manifest_text(found), force=force)
    console.table(("crate", "kind", "path", "why"), ((c.name, c.kind, c.path, c.why) for c in found.found))
    for left in found.left_out:
        console.say(f"left out {left.path}: {left.why}")
    for note in found.notes:
        console.say(f"note: {note}")
    console.say(f"{manifest}: {len(found.found)} crates; next: cratematrix plan")


@main.command()
@manifest_option
def check(manifest: Path) -> None:
    """Validate the manifest and show every error at once, each with its line."""
    from generator.manifest.reading import load_manifest

    console.say(f"{manifest}: {len(load_manifest(manifest).crates)} crates, no errors")


@main.command()
@manifest_option
@click.option("--slots", type=click.IntRange(1, 256), help="Number of slots, instead of the manifest's.")
@click.option("--json", "as_json", is_flag=True, envvar="CRATEMATRIX_PLAN_JSON", help="Print the plan for machines.")
def plan(manifest: Path, slots: int | None, as_json: bool) -> None:
    """Show which slot builds which crates, and how long that takes.

    The longest crate goes first onto the least loaded slot. The lower bound is proven: no assignment of these crates
    to these slots can be faster.
    """
    from generator.manifest.reading import load_manifest
    from generator.planning.plan import make_plan
    from generator.planning.table import COLUMNS, rows, summary

    made = make_plan(load_manifest(manifest), slots)
    if as_json:
        console.data(made.model_dump_json(indent=2))
    else:
        console.table(COLUMNS, rows(made))
    console.say(summary(made))


@main.command()
@manifest_option
@click.option(
    "--check",
    "only_check",
    is_flag=True,
    envvar="CRATEMATRIX_GENERATE_CHECK",
    help="Write nothing; show the difference and exit 3 when stale.",
)
def generate(manifest: Path, only_check: bool) -> None:
    """Render the GitHub Actions workflows from the manifest."""
    from generator.manifest.reading import load_manifest
    from generator.planning.plan import make_plan
    from generator.sources.collect import repository_top
    from generator.workflows import check as difference
    from generator.workflows import render, write

    loaded = load_manifest(manifest)
    top = repository_top(manifest.resolve().parent)
    name = manifest.resolve().relative_to(top).as_posix()
    rendered = render(loaded, len(make_plan(loaded).shards), name)
    if only_check:
        if found := difference(rendered, top):
            console.data(found)
            fix = "cratematrix generate"
            if manifest != Path("crates.json"):
                fix += f" --manifest {shlex.quote(str(manifest))}"
            raise Stale(f"the workflows are not what {manifest} would generate", fix=fix)
    else:
        for change in write(rendered, top):
            console.say(str(change))
    console.say(f"up to date: {', '.join(rendered)}")
    if loaded.fleet.action == "./" and not (top / "action.yml").exists():
        console.say(
            "note: the workflow uses ./, and this repository has no action.yml: set fleet.action in the manifest"
        )


@main.command()
@manifest_option
@click.option("--shard", metavar="I/N", help="Build the crates of shard I of a plan with N slots.")
@click.option(
    "--crate",
    "crates",
    multiple=True,
    metavar="NAME",
    envvar="CRATEMATRIX_BUILD_CRATE",
    help="Build this crate; may be given several times.",
)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    envvar="CRATEMATRIX_BUILD_ALL",
    help="Build every crate of the manifest.",
)
@click.option(
    "--backend",
    type=click.Choice(["local"]),
    default="local",
    show_default=True,
    expose_value=False,
    help="Where sandboxes come from.",
)
@click.option(
    "--jobs", type=click.IntRange(1, 256), help="Sandboxes at the same time.  [default: half of the processors]"
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("dist"),
    show_default=True,
    help="Where packages, logs and the report go.",
)
@click.option(
    "--no-isolation", is_flag=True, help="Run crates' code as yourself, with all your files and the network in reach."
)
def build(
    manifest: Path,
    shard: str | None,
    crates: tuple[str, ...],
    everything: bool,
    jobs: int | None,
    out: Path,
    no_isolation: bool,
) -> None:
    """Build crates, each in its own sandbox, and pack them for npm.

    Give one of --shard, --crate and --all. What was built before from the same input is taken up, not built again.
    """
    from generator.builds.run import Choice, Place
    from generator.builds.run import build as run_build
    from generator.manifest.reading import load_manifest
    from generator.reports import table

    if [bool(shard), bool(crates), everything].count(True) != 1:
        raise InputError("say what to build: one of --shard I/N, --crate NAME and --all", fix="cratematrix build --all")
    loaded = load_manifest(manifest)
    choice = Choice(shard, crates)
    progress = console.BuildProgress(len(choice.names(loaded)))
    place = Place(manifest, out, os.environ)
    with progress.shown():
        report = run_build(
            loaded, choice, place, jobs or max(1, (os.cpu_count() or 1) // 2), not no_isolation, progress
        )
    console.table(table.COLUMNS, table.rows(report), talk=True)
    for remark in table.remarks(report):
        console.say(remark)
    console.say(f"{table.summary(report)}; report: {out / choice.report_name}")
    if report.interrupted:
        raise Interrupted("interrupted: what was finished is kept", fix="run the same command again to go on")
    if failed := [crate.name for crate in report.crates if crate.state == "failed"]:
        raise BuildFailed(
            f"{len(failed)} of {len(report.crates)} crates failed", fix=f"read {out}/logs/{failed[0]}.log"
        )


@main.command()
def schema() -> None:
    """Print the manifest's JSON Schema."""
    import json

    from generator.manifest.schema import manifest_schema

    console.data(json.dumps(manifest_schema(), indent=2))
