"""The build environment of E2B."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from generator.audit.rules import MinimumVersions
from generator.builds.environment import BuildEnvironment, Conditions
from generator.builds.observer import Observer
from generator.builds.run import RunContext
from generator.errors import InputError
from generator.github_actions.step_files import github_run_id
from generator.manifest.checks import session_problems
from generator.manifest.fleet_models import Fleet
from generator.manifest.models import Manifest
from generator.manifest.problems import json_path
from generator.manifest.reading import cli_command
from generator.manifest.values import Size
from generator.planning.plan import shard_numbers
from generator.prices import load_sandbox_prices
from generator.sandboxes.e2b.backend import Account, E2BBackend, RunIdentity
from generator.sandboxes.e2b.connection import Gateway, resolve_connection
from generator.sandboxes.e2b.control_plane import check_connection
from generator.sandboxes.e2b.rate_limit import ALONE, Turn
from generator.sandboxes.e2b.sandbox import Lifetime
from generator.sandboxes.e2b.template.building import check_templates, own_sizes
from generator.sandboxes.e2b.template.definition import Definition, load_definition
from generator.sandboxes.e2b.template.dockerfile import render_dockerfile
from generator.sandboxes.e2b.template.identity import template_reference
from generator.versions import versions


def run_identity(environment: Mapping[str, str], shard: str | None) -> RunIdentity:
    """Return the run's name: GitHub's run and attempt in GitHub Actions, elsewhere the time and a random suffix."""
    shard_name = shard.replace("/", "-") if shard else "all"
    if run := github_run_id(environment):
        attempt = environment.get("GITHUB_RUN_ATTEMPT", "1")
        return RunIdentity(run, attempt if attempt.isdecimal() else "1", shard_name)
    return RunIdentity(f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}", "1", shard_name)


def e2b_jobs(fleet: Fleet, jobs: int | None, shard: str | None) -> int:
    """Return the number of concurrent crates, limited by the account's number of sandboxes."""
    return max(1, min(jobs or (fleet.slots_per_job if shard else fleet.slots), fleet.limits.e2b_sandboxes))


def create_turn(shard: str | None) -> Turn:
    """Return the turn of the job of a shard to create sandboxes, so that all jobs of the run keep the account's limit.

    Every shard has a turn of its own, because any of them may build at the same time.
    """
    if shard is None:
        return ALONE
    index, count = shard_numbers(shard)
    return Turn(index - 1, count)


@contextmanager
def e2b_environment(
    context: RunContext,
    stop: threading.Event,
    observer: Observer,
    *,
    manifest: Manifest,
    run: RunIdentity,
    gateway: Gateway,
    crates: Collection[str],
    shard: str | None = None,
) -> Iterator[BuildEnvironment]:
    """Open the build environment of E2B for these crates, and kill its sandboxes at the end.

    The job of a shard creates sandboxes in its turn. InputError for a wrong configuration, and Unreachable
    for a dead service, before any sandbox is opened.
    """
    if too_long := tuple(f"{json_path(each.loc)}: {each.sentence}" for each in session_problems(manifest)):
        raise InputError("no sandbox lives as long as these timeouts", problems=too_long)
    connection = resolve_connection(manifest.fleet.e2b, gateway, context.variables)
    for name, secret in connection.secrets().items():
        context.redactor.add(name, secret)
    definition = load_definition(context.manifest.resolve().parent)
    check_connection(connection)
    fix = cli_command("template build", context.manifest)
    check_templates(manifest, definition, own_sizes(manifest, crates), connection, fix)
    templates = template_references(manifest, definition)
    account = Account(connection, manifest.fleet.limits.e2b_creates_per_second, create_turn(shard))
    lifetime = Lifetime(definition.env, definition.timeout_seconds)
    backend = E2BBackend(account, run, templates, lifetime, stop, observer.line, definition.volumes())
    try:
        yield BuildEnvironment(
            backend=backend,
            sizes=definition.resources(),
            conditions=e2b_conditions(manifest, definition),
            run=run.id,
            prices=load_sandbox_prices(),
            has_zig_libraries=True,
            has_volumes=bool(definition.volumes()),
        )
    finally:
        backend.close()


def e2b_conditions(manifest: Manifest, definition: Definition) -> Conditions:
    """Return the conditions of a build at E2B, without asking it."""
    templates = template_references(manifest, definition)
    return Conditions(
        backend="e2b",
        toolchain=definition.holds.toolchain(),
        fingerprint=f"{templates} {definition.env}{definition.volumes() or ''}",
        isolated=True,
        minimum_versions=MinimumVersions(glibc=versions().glibc),
    )


def template_references(manifest: Manifest, definition: Definition) -> dict[Size, str]:
    """Return the template reference of each size class, for this version of the fleet's template."""
    text = render_dockerfile()
    return {size: template_reference(manifest.fleet.template, text, definition, size) for size in definition.sizes}
