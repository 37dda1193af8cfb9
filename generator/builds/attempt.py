"""One attempt at a crate, in one sandbox, which is closed at the end. --keep-failed may keep it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from generator.builds.context import CrateBuild
from generator.builds.failures import RunStopped, StepFailed, permanent_failure, sandbox_failure
from generator.builds.log import CrateLog
from generator.builds.record import AttemptRecord
from generator.builds.result import AttemptResult, PackageFiles
from generator.builds.session import BuildSession
from generator.builds.steps.audit import audit_all
from generator.builds.steps.collect import collect
from generator.builds.steps.compile import compile_all
from generator.builds.steps.fetch import Fetching, describe, fetch_dependencies, skip_platforms
from generator.builds.steps.pack import load, pack
from generator.builds.steps.test import run_tests
from generator.errors import CratematrixError, InputError, Unbuildable
from generator.platforms import PlatformName
from generator.recipes.job import BuildJob
from generator.reports.models import Failure, Phase
from generator.sandboxes.contract import Resources, Sandbox, SandboxError
from generator.sources.collect import CollectedSource
from generator.sources.left_out import left_out


@dataclass(frozen=True)
class AttemptOptions:
    """The number of an attempt and its sandbox's resources; `keeps_sandbox` is True for failures that keep it open."""

    number: int
    resources: Resources
    keeps_sandbox: Callable[[Failure], bool]


def attempt(
    build: CrateBuild,
    platforms: tuple[PlatformName, ...],
    source: CollectedSource,
    options: AttemptOptions,
    log: CrateLog,
) -> AttemptResult:
    """Build a crate once. A failure is in the result; only a bug raises."""
    record = AttemptRecord()
    try:
        sandbox = open_sandbox(build, options.resources, log, record, options.number)
    except StepFailed as failed:
        return AttemptResult(record, failure=failed.failure)
    files, failure, stopped, is_unreachable = None, None, False, False
    try:
        session, job = begin(build, platforms, source, sandbox, log, record)
        with expected_failures(record):
            fetching = fetch_dependencies(session, job)
            sandbox.close_network()
            files = finish(build, session, fetching)
    except StepFailed as failed:
        failure, is_unreachable = failed.failure, failed.is_unreachable
    except RunStopped:
        stopped = True
    finally:
        usage = sandbox.kill(keep=failure is not None and options.keeps_sandbox(failure))
        record.add_usage(usage)
        if usage.note:
            record.add_note(usage.note)
    return AttemptResult(record, files, failure, stopped, is_unreachable)


def open_sandbox(
    build: CrateBuild, resources: Resources, log: CrateLog, record: AttemptRecord, number: int = 1
) -> Sandbox:
    """Open the sandbox of an attempt; StepFailed when that is not possible."""
    record.enter("open")
    log.phase("open")
    started = time.monotonic()
    try:
        sandbox = build.context.environment.backend.open(build.crate.name, resources, {}, number)
    except SandboxError as error:
        raise sandbox_failure(error, "open") from None
    except InputError as error:
        raise permanent_failure("open", error.message) from None
    record.add_phase(Phase(name="open", seconds=round(time.monotonic() - started, 3)))
    return sandbox


def begin(
    build: CrateBuild,
    platforms: tuple[PlatformName, ...],
    source: CollectedSource,
    sandbox: Sandbox,
    log: CrateLog,
    record: AttemptRecord,
) -> tuple[BuildSession, BuildJob]:
    """Return the session of a crate in a sandbox, whose timeout begins now, and its job."""
    toolchain, _ = build.toolchain(source.channel)
    job = BuildJob(build.crate, build.settings, source, platforms, toolchain, sandbox.root)
    user = build.context.variables
    variables = {name: user[name] for name in build.settings.env if name in user}
    scratch, isolated = build.context.scratch / build.crate.name, build.context.environment.isolated
    explain = partial(left_out, build.crate, build.context.sources)
    return BuildSession(job, sandbox, log, record, scratch, variables, explain, network_closes=isolated), job


@contextmanager
def expected_failures(record: AttemptRecord) -> Iterator[None]:
    """Raise every expected error of the steps as a StepFailed of the current phase."""
    try:
        yield
    except Unbuildable as error:
        raise permanent_failure(record.phase, str(error)) from None
    except SandboxError as error:
        raise sandbox_failure(error, record.phase) from None
    except CratematrixError as error:
        raise permanent_failure(record.phase, error.message) from None


def finish(build: CrateBuild, session: BuildSession, fetching: Fetching) -> PackageFiles | None:
    """Build a crate whose dependencies are there, to a package that loads; None for a crate without a package."""
    context, environment = build.context, build.context.environment
    fetched = describe(session, fetching, context.tool_cache)
    job = skip_platforms(session, fetched.job, fetched.metadata)
    if not job.platforms:
        return None
    zig_cache = None if environment.has_zig_libraries else context.tool_cache
    units = compile_all(session, job, fetched.metadata, zig_cache)
    staged = collect(session, job, fetched.metadata, units)
    if staged:
        audit_all(session, job, staged, environment.conditions.minimum_versions, context.stop)
    run_tests(session, job, fetched.metadata)
    if staged is None:
        return None
    packed = pack(session, job, fetched, staged.directory)
    return load(session, job, fetched.metadata, packed, context.out)
