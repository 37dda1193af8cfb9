"""One attempt at one crate, in one sandbox, which is killed whatever happens."""

from __future__ import annotations

import time

from generator.builds.bench import Bench
from generator.builds.compiling import compile_all
from generator.builds.endings import Failed, Stopped, failed_sandbox, permanent
from generator.builds.fetching import fetch, leave_out
from generator.builds.log import CrateLog
from generator.builds.outcome import Outcome, Try
from generator.builds.packing import load, pack
from generator.builds.staging import audit_all, collect
from generator.builds.task import Task
from generator.builds.testing import run_tests
from generator.errors import CratematrixError, InputError, Unbuildable
from generator.platforms import PlatformName
from generator.recipes.job import Job
from generator.recipes.kinds import RECIPES
from generator.reports.models import Phase
from generator.sandboxes.sandbox import Sandbox, SandboxError
from generator.sources.collect import Collected


def attempt(task: Task, platforms: tuple[PlatformName, ...], source: Collected, this: Try, log: CrateLog) -> Outcome:
    """Build a crate once; whatever becomes of it is in the outcome, and the sandbox is gone unless it is kept."""
    outcome = Outcome()
    try:
        sandbox = _open(task, this, outcome)
        try:
            job = Job(task.crate, task.settings, source, platforms, task.workshop.site.equipment, sandbox.root)
            _run(Bench(task, job, sandbox, log, outcome))
        except Failed as failed:
            outcome.failure = failed.failure
        except Stopped:
            outcome.stopped = True
        finally:
            usage = sandbox.kill(keep=outcome.failure is not None and this.keep(outcome))
            outcome.usages.append(usage)
            outcome.notes += (usage.note,) if usage.note else ()
    except Failed as failed:
        outcome.failure = failed.failure
    return outcome


def _open(task: Task, this: Try, outcome: Outcome) -> Sandbox:
    task.workshop.observer.phase(task.crate.name, "open")
    started = time.monotonic()
    try:
        sandbox = task.workshop.site.backend.open(task.crate.name, this.resources, {}, this.number)
    except SandboxError as error:
        raise failed_sandbox(error, "open") from None
    except InputError as error:
        raise permanent("open", error.message) from None
    outcome.phases.append(Phase(name="open", seconds=round(time.monotonic() - started, 3)))
    return sandbox


def _run(bench: Bench) -> None:
    """From the source to a package that loads; each phase either ends well or raises `Failed`."""
    try:
        described, contents = fetch(bench)
        bench.outcome.notes += described.notes
        for note in described.notes:
            bench.log.line(f"note: {note}")
        if not leave_out(bench, described):
            return
        compile_all(bench, described)
        stage = RECIPES[bench.job.crate.kind].stage(bench.job, described)
        # Before the tests, for these may build everything anew with the features that they want.
        staged = collect(bench, stage) if stage else None
        if staged:
            audit_all(bench, staged)
        run_tests(bench, described)
        if staged:
            load(bench, described, pack(bench, described, contents, staged))
    except Unbuildable as error:
        raise permanent(bench.phase, str(error)) from None
    except SandboxError as error:
        raise failed_sandbox(error, bench.phase) from None
    except CratematrixError as error:
        raise permanent(bench.phase, error.message) from None
