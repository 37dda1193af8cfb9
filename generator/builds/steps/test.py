"""Running a crate's tests, on the host and on every other platform that something here runs programs of."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from typing import Final

from generator.builds.errors import StepFailed
from generator.builds.session import BuildSession
from generator.builds.steps.coverage import take_coverage
from generator.platforms import PlatformName
from generator.recipes.job import CrateMetadata
from generator.recipes.kinds import RECIPES
from generator.recipes.test_run import TestRun
from generator.reports.models import NO_COVERAGE, UnitTests

# Of what the tests say, where it is looked for that they ran nothing.
LAST_LINES: Final = 100
HOW_TO_LEAVE_OUT: Final = (
    'tests of another platform failed: where it is not the crate that is at fault but what runs them, "foreign_tests": '
    "false leaves them out"
)
TESTS_OFF: Final = f"{NO_COVERAGE}tests is off"


def run_tests(session: BuildSession, metadata: CrateMetadata) -> None:
    """Run the tests on the host and, when they pass there, on every other platform, also after one has failed."""
    job, settings = session.job, session.build.settings
    others = [platform for platform in job.platforms if platform != job.host]
    if not settings.tests:
        _note_all(session, (job.host, *others), UnitTests(state="off", reason="tests is off"))
        session.result.notes += (TESTS_OFF,) if settings.coverage else ()
        return
    _note_all(session, others, UnitTests(reason="those of a platform before it failed"))
    _test(session, metadata, job.host)
    if session.result.tests == "passed":
        take_coverage(session)
    if not settings.foreign_tests:
        _note_all(session, others, UnitTests(state="off", reason="foreign_tests is off"))
        return
    failures = [failed for platform in others if (failed := _tested(session, metadata, platform))]
    if failures:
        raise failures[0]


def _tested(session: BuildSession, metadata: CrateMetadata, platform: PlatformName) -> StepFailed | None:
    """Return a failure that the next platform's tests may outlive; raise any other, such as that the time is over."""
    try:
        _test(session, metadata, platform)
    except StepFailed as failed:
        if HOW_TO_LEAVE_OUT not in session.result.notes:
            session.result.notes += (HOW_TO_LEAVE_OUT,)
        session.result.tests = "failed"
        if failed.failure.failure_class != "permanent":
            raise failed.on(platform) from None
        return failed.on(platform)
    return None


def _test(session: BuildSession, metadata: CrateMetadata, platform: PlatformName) -> None:
    test_run = RECIPES[session.job.crate.kind].test(session.job, metadata, platform)
    if test_run.script is None:
        _note(session, platform, UnitTests(state="not_run" if test_run.reason else "none", reason=test_run.reason))
        return
    session.enter("test")
    if test_run.runtime:
        session.log.line(f"note: the tests are run for {platform}, by {test_run.runtime}")
    said, started = deque[str](maxlen=LAST_LINES), time.monotonic()
    try:
        session.command("test", test_run.script, session.job.directory, said)
    except StepFailed:
        _note(session, platform, UnitTests(state="failed", by=test_run.runtime, seconds=_since(started)))
        raise
    _note(session, platform, _ended(test_run, said, _since(started)))


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)


def _ended(test_run: TestRun, said: deque[str], seconds: float) -> UnitTests:
    phrase, reason = test_run.nothing_ran or ("", None)
    if reason and any(phrase in line for line in said):
        return UnitTests(reason=reason)
    return UnitTests(state="passed", by=test_run.runtime, seconds=seconds)


def _note_all(session: BuildSession, platforms: Iterable[PlatformName], tests: UnitTests) -> None:
    for platform in platforms:
        _note(session, platform, tests)


def _note(session: BuildSession, platform: PlatformName, tests: UnitTests) -> None:
    """Take note of a platform's tests; the host's are the crate's, also where it is no unit."""
    if platform in session.result.units:
        session.result.units[platform] = session.result.units[platform].model_copy(update={"tests": tests})
    if platform == session.job.host:
        session.result.tests = tests.state
