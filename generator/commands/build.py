"""The command `build`."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from generator.backends.local import local_environment
from generator.builds.earlier import EarlierBuild, earlier_builds
from generator.builds.run import OpenEnvironment, RunContext, RunOptions
from generator.builds.run import build as run_build
from generator.builds.selection import Selection, select_crates
from generator.commands.measurements import measurements, size_memory
from generator.commands.options import (
    backend_option,
    complete_crates,
    gateway_options,
    manifest_option,
    max_cost_option,
    out_option,
    plan_option,
)
from generator.commands.results import print_report, raise_failed
from generator.commands.secrets import mask_secrets
from generator.console.output import print_message
from generator.console.progress import build_progress
from generator.errors import InputError, Interrupted
from generator.github_actions.step_files import in_github_actions
from generator.manifest.models import Manifest
from generator.manifest.reading import load_manifest
from generator.manifest.settings import with_layout
from generator.manifest.values import BackendName, Layout
from generator.packages.install_lines import install_line
from generator.planning.plan_file import load_plan
from generator.planning.prediction import Prediction, predict
from generator.reports.index import load_index
from generator.reports.models import Report
from generator.reports.table import packages_line
from generator.sandboxes.e2b.connection import Gateway
from generator.text import shell_word


@click.command()
@manifest_option
@click.option("--shard", metavar="I/N", help="Build part I of N: of the --crate ones, or of the whole fleet.")
@click.option(
    "--crate",
    "crates",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_crates,
    envvar="CRATEMATRIX_BUILD_CRATE",
    help="Build this crate; repeat it for more. The variable takes names separated by spaces.",
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
    help="Number of sandboxes at once.  [default: local, half of the processors; e2b, the manifest's slots, those of "
    "one job for a shard]",
)
@out_option("Directory for packages, logs and the report.")
@click.option(
    "--layout",
    type=click.Choice(["single", "split"]),
    help="One package per crate, or one per platform and a root.  [default: the manifest's]",
)
@click.option(
    "--no-isolation",
    is_flag=True,
    help="local: run crates' code as your user, with access to all your files and the network.",
)
@plan_option(
    "Plan of the run, from `plan --json`: --shard takes its crates from there, so that all jobs agree.",
    "CRATEMATRIX_BUILD_PLAN",
)
@click.option(
    "--previous",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    envvar="CRATEMATRIX_BUILD_PREVIOUS",
    help="Index of the release before, from `release prepare`: crates that did not change since are not built.",
)
@click.option(
    "--reuse",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    envvar="CRATEMATRIX_BUILD_REUSE",
    help="Directory with reports and packages of earlier runs, as `report --keep` and `release resume` make it: what "
    "these built from the same input is not built again. It need not exist.",
)
@max_cost_option("Open no sandbox with which the run, or with --shard all shards together, would likely cost more")
@click.option("--keep-failed", is_flag=True, help="e2b: keep the sandboxes of failed crates for an hour to debug.")
@gateway_options
def build(
    manifest: Path,
    shard: str | None,
    crates: tuple[str, ...],
    everything: bool,
    backend: BackendName,
    jobs: int | None,
    out: Path,
    layout: Layout | None,
    no_isolation: bool,
    plan_file: Path | None,
    previous: Path | None,
    reuse: Path | None,
    max_cost: float | None,
    keep_failed: bool,
    gateway: Gateway,
) -> None:
    """Build crates, each in its own sandbox, and pack them for npm.

    Give --shard, --crate or both, or --all. Unchanged crates are reused from the build cache. The failure of a crate
    in quarantine fails a run only if it built nothing at all; a shard is a part of a run. The crates of a batch share
    a sandbox.

    Without --shard, the longest crates are built first, by the times that the last report in --out has measured.

    --backend e2b needs E2B_API_KEY and a template: see cratematrix doctor --backend e2b.
    """
    if everything == bool(shard or crates):
        raise InputError("choose crates: --shard I/N, --crate NAME or both, or --all", fix="cratematrix build --all")
    _check_backend(backend, no_isolation=no_isolation, keep_failed=keep_failed)
    loaded = with_layout(load_manifest(manifest), layout)
    planned = load_plan(plan_file, loaded) if plan_file else None
    predictions = planned.predictions if planned else _predictions(loaded, manifest, backend, previous, out)
    context = RunContext(manifest, out, os.environ, mask_secrets(loaded), datetime.now(UTC))
    per_job = loaded.fleet.slots_per_job if backend == "e2b" else 1
    selection = select_crates(loaded, shard, crates, planned, predictions, per_job)
    if backend == "e2b":
        at_once = jobs or (planned.slots_per_job if planned else None)
        options, environment = _e2b(loaded, selection, at_once, gateway, keep_failed)
    else:
        options, environment = _local(jobs, no_isolation)
    options = replace(
        options,
        previous=load_index(previous) if previous else None,
        earlier=_earlier(reuse, out),
        predictions=predictions,
        max_cost=max_cost,
    )
    seconds = {name: selection.minutes[name] * 60 for name in selection.names}
    progress = build_progress(seconds, options.jobs, grouped=in_github_actions(os.environ))
    with progress.running():
        report = run_build(loaded, selection, context, options, environment, progress)
    print_report(report, out / selection.report_name, loaded)
    _print_end(report, out)


def _predictions(
    loaded: Manifest, manifest: Path, backend: BackendName, previous: Path | None, out: Path
) -> tuple[Prediction, ...]:
    """Predict from the release before, or from the last report in the output directory."""
    sizes = size_memory(loaded, manifest, backend)
    return predict(loaded, measurements(loaded, previous, out), backend, sizes)


def _print_end(report: Report, out: Path) -> None:
    """Print where the results lie and the next command; BuildFailed or Interrupted for a run that is no success."""
    if made := packages_line(report, str(out)):
        print_message(made)
    if any(each.attempts for each in report.crates):
        print_message(f"logs in {out / 'logs'}")
    if report.interrupted:
        raise Interrupted("interrupted: finished crates are kept", fix="run the same command again to continue")
    raise_failed(report, lambda crate: f"read {out}/logs/{crate}.log")
    if not in_github_actions(os.environ):
        print_message(_next_line(report, out))


def _next_line(report: Report, out: Path) -> str:
    """Return the next command: it installs a package, or makes the page of the report."""
    if line := _install_line(report, out):
        return f"to install a package: {line}"
    directory, page = shell_word(str(out)), shell_word(str(out / "report.html"))
    return f"to see the results as a page: cratematrix report --out {directory} --html {page}"


def _earlier(reuse: Path | None, out: Path) -> dict[str, EarlierBuild]:
    """Return the crates that earlier runs built; none without a directory."""
    if reuse is None or not reuse.is_dir():
        return {}
    if reuse.resolve() == out.resolve():
        raise InputError("--reuse and --out are the same directory", fix="leave out --reuse: there is the build cache")
    return earlier_builds(reuse, print_message)


def _install_line(report: Report, out: Path) -> str | None:
    """Return the line that installs a package that needs no others; those of the layout split need a registry."""
    for each in report.crates:
        if each.state == "built" and not each.unchanged_since and len(each.packages) == 1:
            file = out / each.packages[0].file
            return install_line("npm", each.name, str(file) if file.is_absolute() else f"./{file}")
    return None


def _check_backend(backend: str, *, no_isolation: bool, keep_failed: bool) -> None:
    if backend == "local" and keep_failed:
        raise InputError("--keep-failed is for sandboxes of E2B", fix="add --backend e2b")
    if backend == "e2b" and no_isolation:
        raise InputError("--no-isolation is for local sandboxes", fix="leave one of the two out")


def _local(jobs: int | None, no_isolation: bool) -> tuple[RunOptions, OpenEnvironment]:
    """Return the options and the environment of a build on this machine."""
    return RunOptions(jobs or max(1, (os.cpu_count() or 1) // 2)), partial(local_environment, isolated=not no_isolation)


def _e2b(
    manifest: Manifest, selection: Selection, jobs: int | None, gateway: Gateway, keep_failed: bool
) -> tuple[RunOptions, OpenEnvironment]:
    """Return the options and the environment of a build at E2B, and print the command that cleans up a killed run."""
    from generator.backends.e2b import e2b_environment, e2b_jobs, run_identity  # noqa: PLC0415  local builds need no E2B SDK

    run = run_identity(os.environ, selection.shard)
    print_message(f"run {run.id}; if this process is killed: cratematrix reap --run {run.id}")
    options = RunOptions(e2b_jobs(manifest.fleet, jobs, selection.shard), keep_failed)
    open_environment = partial(
        e2b_environment, manifest=manifest, run=run, gateway=gateway, crates=selection.names, shard=selection.shard
    )
    return options, open_environment
