"""Building, and telling what was built."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator import console
from generator.commands.options import backend_option, gateway_options, manifest_option
from generator.commands.secrets import known_secrets
from generator.errors import BuildFailed, InputError, Interrupted
from generator.github_actions.step_files import github_run, in_github, step_outputs, step_summary

if TYPE_CHECKING:
    from generator.builds.run import OpenEnvironment, RunOptions
    from generator.manifest.models import Manifest
    from generator.manifest.values import Layout
    from generator.reports.models import Report
    from generator.sandboxes.e2b.connection import Gateway


@click.command()
@manifest_option
@click.option("--shard", metavar="I/N", help="Build part I of N: of the --crate ones, or of the whole fleet.")
@click.option(
    "--crate",
    "crates",
    multiple=True,
    metavar="NAME",
    envvar="CRATEMATRIX_BUILD_CRATE",
    help="Build this crate; may be given several times, and in the variable with spaces between.",
)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    envvar="CRATEMATRIX_BUILD_ALL",
    help="Build every crate of the manifest.",
)
@backend_option
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    help="Sandboxes at the same time.  [default: local, half of the processors; e2b, the manifest's slots, 1 for a "
    "shard]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("dist"),
    show_default=True,
    help="Where packages, logs and the report go.",
)
@click.option(
    "--layout",
    type=click.Choice(["single", "split"]),
    help="One package per crate, or one per platform and a root.  [default: the manifest's]",
)
@click.option(
    "--no-isolation",
    is_flag=True,
    help="local: run crates' code as yourself, with all your files and the network in reach.",
)
@click.option(
    "--keep-failed", is_flag=True, help="e2b: keep the sandboxes of failed crates for an hour to look inside."
)
@gateway_options
def build(
    manifest: Path,
    shard: str | None,
    crates: tuple[str, ...],
    everything: bool,
    backend: str,
    jobs: int | None,
    out: Path,
    layout: Layout | None,
    no_isolation: bool,
    keep_failed: bool,
    gateway: Gateway,
) -> None:
    """Build crates, each in its own sandbox, and pack them for npm.

    Give --shard, --crate or both, or --all. What was built before from the same input is taken up, not built again.

    --backend e2b needs E2B_API_KEY and a template: see cratematrix doctor --backend e2b.
    """
    from generator.builds.run import RunContext, Selection
    from generator.builds.run import build as run_build
    from generator.manifest.reading import load_manifest
    from generator.manifest.settings import with_layout

    if everything == bool(shard or crates):
        raise InputError(
            "say what to build: --shard I/N, --crate NAME or both, or --all", fix="cratematrix build --all"
        )
    _check_backend(backend, no_isolation=no_isolation, keep_failed=keep_failed)
    loaded = with_layout(load_manifest(manifest), layout)
    choice = Selection(shard, crates)
    place = RunContext(manifest, out, os.environ, known_secrets(loaded))
    progress = console.progress(len(choice.names(loaded)), grouped=in_github(os.environ))
    if backend == "e2b":
        options, environment = _at_e2b(loaded, shard, jobs, gateway, keep_failed)
    else:
        options, environment = _here(jobs, no_isolation)
    with progress.shown():
        report = run_build(loaded, choice, place, options, environment, progress)
    _tell(report, out / choice.report_name, loaded)
    if report.interrupted:
        raise Interrupted("interrupted: what was finished is kept", fix="run the same command again to go on")
    _raise_failed(report, lambda crate: f"read {out}/logs/{crate}.log")


def _check_backend(backend: str, *, no_isolation: bool, keep_failed: bool) -> None:
    if backend == "local" and keep_failed:
        raise InputError("--keep-failed is for sandboxes of E2B", fix="add --backend e2b")
    if backend == "e2b" and no_isolation:
        raise InputError("--no-isolation is for local sandboxes", fix="leave one of the two out")


def _here(jobs: int | None, no_isolation: bool) -> tuple[RunOptions, OpenEnvironment]:
    """Return how to build on this machine."""
    from generator.backends.local import local_environment
    from generator.builds.run import RunOptions

    return RunOptions(jobs or max(1, (os.cpu_count() or 1) // 2)), partial(local_environment, isolated=not no_isolation)


def _at_e2b(
    manifest: Manifest, shard: str | None, jobs: int | None, gateway: Gateway, keep_failed: bool
) -> tuple[RunOptions, OpenEnvironment]:
    """Return how to build at E2B, and say first what ends a run that is killed."""
    from generator.backends.e2b import e2b_environment, e2b_jobs, e2b_run
    from generator.builds.run import RunOptions

    run = e2b_run(os.environ, shard)
    console.say(f"run {run.id}; if this process is killed: cratematrix reap --run {run.id}")
    options = RunOptions(e2b_jobs(manifest.fleet, jobs, shard), keep_failed)
    return options, partial(e2b_environment, manifest=manifest, run=run, gateway=gateway)


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path("dist"),
    show_default=True,
    help="Where the reports of shards lie, in it or in directories below; the merged one goes to report.json in it.",
)
def report(out: Path) -> None:
    """Merge the reports of a run's shards into one.

    Of a shard that ran several times the last attempt counts. Exits with 1 when a crate failed.
    """
    from generator.files.output import output_directory
    from generator.reports.merging import merge_directory

    merged = merge_directory(out, github_run(os.environ))
    with output_directory(out) as directory:
        directory.write("report.json", f"{merged.model_dump_json(indent=2)}\n".encode())
    _tell(merged, out / "report.json", None)
    if merged.missing_shards:
        raise BuildFailed(f"{len(merged.missing_shards)} shards left no report: see their jobs")
    _raise_failed(merged, lambda crate: f"read logs/{crate}.log beside its shard's report")


def _tell(report: Report, path: Path, manifest: Manifest | None) -> None:
    """Show what a run did: to a person as a table, and in GitHub Actions also as outputs, annotations and a summary."""
    from generator.reports import markdown, table
    from generator.reports.annotations import left_out, worst_failures

    console.table(table.COLUMNS, table.rows(report), talk=True)
    for remark in table.remarks(report):
        console.say(remark)
    console.say(f"{table.summary(report)}; report: {path}")
    if not in_github(os.environ):
        return
    for each in (*worst_failures(report, manifest), *left_out(report)):
        console.command(each.command)
    states = [crate.state for crate in report.crates]
    counts = {state: str(states.count(state)) for state in ("built", "failed")}
    step_outputs(os.environ, {"report": str(path), **counts})
    step_summary(os.environ, console.redacted(markdown.page(report)))


def _raise_failed(report: Report, fix: Callable[[str], str]) -> None:
    """Raise BuildFailed when a crate failed; `fix` is given the first one's name."""
    if failed := [crate.name for crate in report.crates if crate.state == "failed"]:
        raise BuildFailed(f"{len(failed)} of {len(report.crates)} crates failed", fix=fix(failed[0]))
