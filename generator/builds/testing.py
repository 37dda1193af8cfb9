"""Running a crate's tests, on the host and on every other platform that something here runs programs of."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from typing import Final

from generator.builds.bench import Bench
from generator.builds.coverage import take_coverage
from generator.builds.endings import Failed
from generator.platforms import PlatformName
from generator.recipes.job import Described
from generator.recipes.kinds import RECIPES
from generator.recipes.trial import Trial
from generator.reports.models import NO_COVERAGE, UnitTests

# Of what the tests say, where it is looked for that they ran nothing.
LAST_LINES: Final = 100
HOW_TO_LEAVE_OUT: Final = (
    'tests of another platform failed: where it is not the crate that is at fault but what runs them, "foreign_tests": '
    "false leaves them out"
)
TESTS_OFF: Final = f"{NO_COVERAGE}tests is off"


def run_tests(bench: Bench, described: Described) -> None:
    """Run the tests on the host and, when they pass there, on every other platform, also after one has failed."""
    job, settings = bench.job, bench.task.settings
    others = [platform for platform in job.platforms if platform != job.host]
    if not settings.tests:
        _note_all(bench, (job.host, *others), UnitTests(state="off", reason="tests is off"))
        bench.outcome.notes += (TESTS_OFF,) if settings.coverage else ()
        return
    _note_all(bench, others, UnitTests(reason="those of a platform before it failed"))
    _test(bench, described, job.host)
    if bench.outcome.tests == "passed":
        take_coverage(bench)
    if not settings.foreign_tests:
        _note_all(bench, others, UnitTests(state="off", reason="foreign_tests is off"))
        return
    failures = [failed for platform in others if (failed := _tried(bench, described, platform))]
    if failures:
        raise failures[0]


def _tried(bench: Bench, described: Described, platform: PlatformName) -> Failed | None:
    """Return a failure that the next platform's tests may outlive; raise any other, such as that the time is over."""
    try:
        _test(bench, described, platform)
    except Failed as failed:
        if HOW_TO_LEAVE_OUT not in bench.outcome.notes:
            bench.outcome.notes += (HOW_TO_LEAVE_OUT,)
        bench.outcome.tests = "failed"
        if failed.failure.failure_class != "permanent":
            raise failed.on(platform) from None
        return failed.on(platform)
    return None


def _test(bench: Bench, described: Described, platform: PlatformName) -> None:
    trial = RECIPES[bench.job.crate.kind].test(bench.job, described, platform)
    if trial.script is None:
        _note(bench, platform, UnitTests(state="not_run" if trial.reason else "none", reason=trial.reason))
        return
    bench.enter("test")
    if trial.by:
        bench.log.line(f"note: the tests are run for {platform}, by {trial.by}")
    said, started = deque[str](maxlen=LAST_LINES), time.monotonic()
    try:
        bench.command("test", trial.script, bench.job.directory, said)
    except Failed:
        _note(bench, platform, UnitTests(state="failed", by=trial.by, seconds=_since(started)))
        raise
    _note(bench, platform, _ended(trial, said, _since(started)))


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)


def _ended(trial: Trial, said: deque[str], seconds: float) -> UnitTests:
    phrase, reason = trial.unless or ("", None)
    if reason and any(phrase in line for line in said):
        return UnitTests(reason=reason)
    return UnitTests(state="passed", by=trial.by, seconds=seconds)


def _note_all(bench: Bench, platforms: Iterable[PlatformName], tests: UnitTests) -> None:
    for platform in platforms:
        _note(bench, platform, tests)


def _note(bench: Bench, platform: PlatformName, tests: UnitTests) -> None:
    """Take note of a platform's tests; the host's are the crate's, also where it is no unit."""
    if platform in bench.outcome.units:
        bench.outcome.units[platform] = bench.outcome.units[platform].model_copy(update={"tests": tests})
    if platform == bench.job.host:
        bench.outcome.tests = tests.state
