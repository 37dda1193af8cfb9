"""One attempt at one crate, in one sandbox, which is killed whatever happens."""

from __future__ import annotations

import time

from generator.builds.context import CrateBuild
from generator.builds.errors import RunStopped, StepFailed, permanent_failure, sandbox_failure
from generator.builds.log import CrateLog
from generator.builds.result import Attempt, AttemptResult
from generator.builds.session import BuildSession
from generator.builds.steps.collect import audit_all, collect
from generator.builds.steps.compile import compile_all
from generator.builds.steps.fetch import fetch, skip_platforms
from generator.builds.steps.pack import load, pack
from generator.builds.steps.test import run_tests
from generator.errors import CratematrixError, InputError, Unbuildable
from generator.platforms import PlatformName
from generator.recipes.job import BuildJob
from generator.recipes.kinds import RECIPES
from generator.reports.models import Phase
from generator.sandboxes.contract import Sandbox, SandboxError
from generator.sources.collect import CollectedSource


def attempt(
    build: CrateBuild, platforms: tuple[PlatformName, ...], source: CollectedSource, this: Attempt, log: CrateLog
) -> AttemptResult:
    """Build a crate once; whatever becomes of it is in the outcome, and the sandbox is gone unless it is kept."""
    result = AttemptResult()
    try:
        sandbox = _open(build, this, result)
        try:
            job = BuildJob(
                build.crate, build.settings, source, platforms, build.context.environment.toolchain, sandbox.root
            )
            _run(BuildSession(build, job, sandbox, log, result))
        except StepFailed as failed:
            result.failure = failed.failure
        except RunStopped:
            result.stopped = True
        finally:
            usage = sandbox.kill(keep=result.failure is not None and this.keeps_sandbox(result))
            result.sandbox_usages.append(usage)
            result.notes += (usage.note,) if usage.note else ()
    except StepFailed as failed:
        result.failure = failed.failure
    return result


def _open(build: CrateBuild, this: Attempt, result: AttemptResult) -> Sandbox:
    build.context.observer.phase(build.crate.name, "open")
    started = time.monotonic()
    try:
        sandbox = build.context.environment.backend.open(build.crate.name, this.resources, {}, this.number)
    except SandboxError as error:
        raise sandbox_failure(error, "open") from None
    except InputError as error:
        raise permanent_failure("open", error.message) from None
    result.phases.append(Phase(name="open", seconds=round(time.monotonic() - started, 3)))
    return sandbox


def _run(session: BuildSession) -> None:
    """From the source to a package that loads; each phase either ends well or raises `Failed`."""
    try:
        metadata, contents = fetch(session)
        session.result.notes += metadata.notes
        for note in metadata.notes:
            session.log.line(f"note: {note}")
        if not skip_platforms(session, metadata):
            return
        compile_all(session, metadata)
        stage = RECIPES[session.job.crate.kind].stage(session.job, metadata)
        # Before the tests, for these may build everything anew with the features that they want.
        staged = collect(session, stage) if stage else None
        if staged:
            audit_all(session, staged)
        run_tests(session, metadata)
        if staged:
            load(session, metadata, pack(session, metadata, contents, staged))
    except Unbuildable as error:
        raise permanent_failure(session.phase, str(error)) from None
    except SandboxError as error:
        raise sandbox_failure(error, session.phase) from None
    except CratematrixError as error:
        raise permanent_failure(session.phase, error.message) from None
