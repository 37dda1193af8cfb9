"""One attempt at a crate, in one sandbox, which is closed at the end. --keep-failed may keep it."""

from __future__ import annotations

import time
from collections.abc import Callable
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
from generator.builds.steps.fetch import fetch, skip_platforms
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
        sandbox = _open(build, options, log, record)
    except StepFailed as failed:
        return AttemptResult(record, failure=failed.failure)
    files, failure, stopped, is_unreachable = None, None, False, False
    try:
        toolchain, _ = build.toolchain(source.channel)
        job = BuildJob(build.crate, build.settings, source, platforms, toolchain, sandbox.root)
        files = _run(build, job, sandbox, log, record)
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


def _open(build: CrateBuild, options: AttemptOptions, log: CrateLog, record: AttemptRecord) -> Sandbox:
    record.enter("open")
    log.phase("open")
    started = time.monotonic()
    try:
        sandbox = build.context.environment.backend.open(build.crate.name, options.resources, {}, options.number)
    except SandboxError as error:
        raise sandbox_failure(error, "open") from None
    except InputError as error:
        raise permanent_failure("open", error.message) from None
    record.add_phase(Phase(name="open", seconds=round(time.monotonic() - started, 3)))
    return sandbox


def _run(
    build: CrateBuild, job: BuildJob, sandbox: Sandbox, log: CrateLog, record: AttemptRecord
) -> PackageFiles | None:
    """Run the steps and return the package's files; every expected error is a StepFailed of the current phase."""
    user = build.context.variables
    variables = {name: user[name] for name in build.settings.env if name in user}
    scratch, isolated = build.context.scratch / build.crate.name, build.context.environment.isolated
    explain = partial(left_out, build.crate, build.context.sources)
    session = BuildSession(job, sandbox, log, record, scratch, variables, explain, network_closes=isolated)
    try:
        return _build(build, job, session)
    except Unbuildable as error:
        raise permanent_failure(record.phase, str(error)) from None
    except SandboxError as error:
        raise sandbox_failure(error, record.phase) from None
    except CratematrixError as error:
        raise permanent_failure(record.phase, error.message) from None


def _build(build: CrateBuild, job: BuildJob, session: BuildSession) -> PackageFiles | None:
    """Build the crate, from its source to a package that loads; None for a crate without a package."""
    context, environment = build.context, build.context.environment
    fetched = fetch(session, job, context.tool_cache)
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
