"""The command `generate`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

import click

from generator.commands.options import manifest_option
from generator.commands.secrets import mask_secrets
from generator.console.output import print_data, print_message, print_workflow_command
from generator.errors import InputError, Stale
from generator.github_actions.step_files import in_github_actions, write_step_summary
from generator.github_actions.workflow_commands import MAX_ANNOTATIONS, Annotation
from generator.github_api.connection import commit_of, connection
from generator.manifest.reading import cli_command, load_manifest
from generator.markdown import code_block
from generator.markdown import escape as markdown_text
from generator.planning.plan import make_plan
from generator.sources.collect import repository_top
from generator.text import counted
from generator.workflows import Change, Difference, diff, differences, render, stale, write
from generator.workflows.own_action import check_action
from generator.workflows.proposal import proposal


@click.command()
@manifest_option
@click.option(
    "--check",
    "only_check",
    is_flag=True,
    envvar="CRATEMATRIX_GENERATE_CHECK",
    help="Write nothing; print the difference and exit 3 when files are stale.",
)
@click.option(
    "--pull-request",
    is_flag=True,
    envvar="CRATEMATRIX_GENERATE_PULL_REQUEST",
    help="Write nothing; open or update one pull request on GitHub with the stale files.",
)
def generate(manifest: Path, only_check: bool, pull_request: bool) -> None:
    """Render GitHub's workflows and E2B's Dockerfile.

    --pull-request needs GITHUB_REPOSITORY, and a token in GITHUB_TOKEN that may change workflows.
    """
    if only_check and pull_request:
        raise InputError("--check and --pull-request exclude each other", fix="leave one of the two out")
    loaded = load_manifest(manifest)
    top = repository_top(manifest.resolve().parent)
    check_action(loaded.fleet.action, top, manifest)
    name = manifest.resolve().relative_to(top).as_posix()
    rendered = render(loaded, make_plan(loaded).shards, name)
    if only_check or pull_request:
        found = differences(rendered, top)
        if outdated := stale(found):
            if only_check:
                raise _stale(manifest, outdated)
            _propose(found, top, name)
            return
        print_message(f"{counted(len(rendered), 'generated file')}, all up to date")
        return
    _print_written(rendered, write(rendered, top))


def _print_written(rendered: Collection[str], changes: Sequence[Change]) -> None:
    """Print a line for each file, and their numbers."""
    done: dict[str, str] = dict.fromkeys(rendered, "unchanged") | {each.path: each.action for each in changes}
    for path, word in sorted(done.items()):
        print_message(f"{word} {path}")
    counts = Counter(done.values())
    numbers = [f"{counts[word]} {word}" for word in ("written", "removed", "unchanged") if counts[word]]
    print_message(f"{counted(len(done), 'generated file')}: {', '.join(numbers)}")


def _propose(found: Sequence[Difference], top: Path, manifest: str) -> None:
    """Open or update the pull request with the stale files."""
    from generator.workflows.pull_request import propose  # noqa: PLC0415  only this option needs PyGithub

    mask_secrets()
    repository = connection(os.environ)
    wanted = proposal(found, manifest, os.environ.get("GITHUB_REF_NAME", ""), commit_of(os.environ, top))
    made = propose(repository, wanted, print_message)
    print_message(f"{'opened' if made.opened else 'updated'} pull request {made.number}: {made.url}")


def _stale(manifest: Path, found: Sequence[Difference]) -> Stale:
    """Print the difference of generated files, and return the error with the command that updates them."""
    error = Stale(f"the generated files are not what {manifest} would generate", fix=cli_command("generate", manifest))
    text = diff(found)
    if not in_github_actions(os.environ):
        print_data(text)
        return error
    # The runner reads stdout too, and a line of a changed file could be a workflow command.
    print_message(text)
    paths = [each.path for each in found if each.wanted is not None]
    for path in paths[:MAX_ANNOTATIONS]:
        print_workflow_command(Annotation("error", "Stale generated file", error.message_with_fix, path, 1).command)
    summary = f"### {markdown_text(error.message)}\n\nRun `{error.fix}`.\n\n{code_block(text, 'diff')}"
    write_step_summary(os.environ, summary)
    return error
