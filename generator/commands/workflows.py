"""What is built where, and the workflows that do it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator import console
from generator.commands.options import backend_option, manifest_option
from generator.commands.secrets import known_secrets
from generator.errors import InputError, Stale
from generator.github_actions.step_files import in_github, step_outputs, step_summary

if TYPE_CHECKING:
    from generator.manifest.models import Manifest
    from generator.workflows import Difference


@click.command()
@manifest_option
@click.option("--slots", type=click.IntRange(1, 256), help="Number of slots, instead of the manifest's.")
@click.option("--json", "as_json", is_flag=True, envvar="CRATEMATRIX_PLAN_JSON", help="Print the plan for machines.")
@click.option(
    "--changed-since",
    metavar="REF",
    help="Only crates that changed since the merge base of REF and HEAD, committed or not (of files that git tracks), "
    "and those that depend on them; with a reason for every crate.",
)
@backend_option
def plan(manifest: Path, slots: int | None, as_json: bool, changed_since: str | None, backend: str) -> None:
    """Show which slot builds which crates, and how long that takes.

    The longest crate goes first onto the least loaded slot. The lower bound is proven: no assignment of these crates
    to these slots can be faster.

    What a release of the whole fleet takes of GitHub's limits is said too. With --changed-since and --backend e2b, a
    change of the sandboxes' template affects every crate.
    """
    from generator.manifest.reading import load_manifest
    from generator.planning.plan import make_plan
    from generator.planning.table import COLUMNS, REASON_COLUMNS, reason_rows, rows, summary

    loaded = load_manifest(manifest)
    if changed_since is None:
        made = make_plan(loaded, slots)
    else:
        from generator.planning.affected import affected
        from generator.planning.changes import changes

        made = make_plan(loaded, slots, affected(loaded, changes(loaded, manifest, changed_since, backend)))
    if as_json:
        console.data(made.model_dump_json(indent=2))
    else:
        if made.shards:
            console.table(COLUMNS, rows(made))
        if made.reasons:
            console.table(REASON_COLUMNS, reason_rows(made))
    console.say(summary(made))
    if changed_since is None:
        _say_budget(loaded)
    if in_github(os.environ):
        from generator.planning.markdown import page

        matrix = made.matrix.model_dump_json()
        step_outputs(os.environ, {"count": str(made.count), "crates": made.crates, "matrix": matrix})
        step_summary(os.environ, page(made))


def _say_budget(manifest: Manifest) -> None:
    """Say what a release takes of GitHub's limits, or why there cannot be one."""
    from generator.releases.budget import check_budget

    try:
        console.say(f"a release: {check_budget(manifest)}")
    except InputError as refusal:
        console.say(f"note: there cannot be a release: {'; '.join((*refusal.problems, refusal.advice))}")


@click.command()
@manifest_option
@click.option(
    "--check",
    "only_check",
    is_flag=True,
    envvar="CRATEMATRIX_GENERATE_CHECK",
    help="Write nothing; show the difference and exit 3 when stale.",
)
@click.option(
    "--pull-request",
    is_flag=True,
    envvar="CRATEMATRIX_GENERATE_PULL_REQUEST",
    help="Write nothing; open or update one pull request on GitHub with what is stale.",
)
def generate(manifest: Path, only_check: bool, pull_request: bool) -> None:
    """Render GitHub's workflows and E2B's Dockerfile.

    --pull-request needs GITHUB_REPOSITORY and, in GITHUB_TOKEN, a token that may change workflows.
    """
    from generator.manifest.reading import load_manifest
    from generator.planning.plan import make_plan
    from generator.sources.collect import repository_top
    from generator.workflows import differences, render, stale, write

    if only_check and pull_request:
        raise InputError("--check and --pull-request exclude each other", fix="leave one of the two out")
    loaded = load_manifest(manifest)
    top = repository_top(manifest.resolve().parent)
    name = manifest.resolve().relative_to(top).as_posix()
    rendered = render(loaded, len(make_plan(loaded).shards), name)
    if only_check or pull_request:
        found = differences(rendered, top)
        if outdated := stale(found):
            if only_check:
                raise _stale(manifest, outdated)
            _propose(found, top, name)
            return
    else:
        for change in write(rendered, top):
            console.say(str(change))
    console.say(f"up to date: {', '.join(rendered)}")
    if loaded.fleet.action == "./" and not (top / "action.yml").exists():
        console.say(
            "note: the workflow uses ./, and this repository has no action.yml: set fleet.action in the manifest"
        )


def _propose(found: Sequence[Difference], top: Path, manifest: str) -> None:
    """Open or update the pull request with what is to be written."""
    from generator.github_api.connection import commit_of, connection
    from generator.workflows.proposal import proposal

    known_secrets()
    where = connection(os.environ)
    wanted = proposal(found, manifest, os.environ.get("GITHUB_REF_NAME", ""), commit_of(os.environ, top))
    from generator.workflows.pull_request import propose

    made = propose(where, wanted, console.say)
    console.say(f"{'opened' if made.opened else 'updated'} pull request {made.number}: {made.url}")


def _stale(manifest: Path, found: Sequence[Difference]) -> Stale:
    """Show how generated files differ, and return the error that says what to run."""
    from generator.github_actions.workflow_commands import MAX_ANNOTATIONS, Annotation
    from generator.manifest.reading import cli_command
    from generator.markdown import fenced
    from generator.markdown import text as words
    from generator.workflows import diff

    fix = cli_command("generate", manifest)
    problem = Stale(f"the generated files are not what {manifest} would generate", fix=fix)
    text = diff(found)
    if not in_github(os.environ):
        console.data(text)
    else:
        # A line of a file in somebody's pull request could be a command to the runner, which reads stdout too.
        console.say(text)
        paths = [each.path for each in found if each.wanted is not None]
        for path in paths[:MAX_ANNOTATIONS]:
            console.command(Annotation("error", "Stale generated file", problem.advice, path, 1).command)
        step_summary(os.environ, f"### {words(problem.message)}\n\nRun `{problem.fix}`.\n\n{fenced(text, 'diff')}")
    return problem
