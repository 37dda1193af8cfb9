"""The test step: a crate's tests on the host, and on every other platform that this machine has a runtime for."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from typing import Final

from generator.builds.counted_tests import CountedTests
from generator.builds.failures import StepFailed
from generator.builds.session import BuildSession
from generator.builds.steps.coverage import record_coverage
from generator.platforms import PlatformName
from generator.recipes.job import BuildJob, CrateMetadata
from generator.recipes.kinds import RECIPES
from generator.recipes.test_run import NO_NODE, NO_NODE_LINE, TestRun
from generator.reports.models import NO_COVERAGE, UnitTests

BROWSER_TESTS: Final = "its tests for wasm want a browser"
NO_TESTS: Final = "no test ran"
FOREIGN_TESTS_ADVICE: Final = (
    'tests failed on another platform: if the runtime is at fault and not the crate, "foreign_tests": false turns '
    "them off"
)
TESTS_OFF: Final = f"{NO_COVERAGE}tests is off"


def run_tests(session: BuildSession, job: BuildJob, metadata: CrateMetadata) -> None:
    """Run the tests on the host, then on each other platform; StepFailed is the first failure.

    A failure on the host ends the tests. One on another platform does not stop the next platform's.
    """
    others = [platform for platform in job.platforms if platform != job.host]
    if not job.settings.tests:
        _record_all(session, (job.host, *others), UnitTests(state="off", reason="tests is off"))
        if job.settings.coverage:
            session.note(TESTS_OFF)
        return
    _record_all(session, others, UnitTests(reason="tests of an earlier platform failed"))
    tests = _test(session, job, metadata, job.host)
    if tests.state == "passed":
        record_coverage(session, job)
    elif tests.state == "none" and job.settings.coverage:
        session.note(f"{NO_COVERAGE}{NO_TESTS}")
    if not job.settings.foreign_tests:
        _record_all(session, others, UnitTests(state="off", reason="foreign_tests is off"))
        return
    failures = [failed for platform in others if (failed := _test_other(session, job, metadata, platform))]
    if failures:
        raise failures[0]


def _test_other(
    session: BuildSession, job: BuildJob, metadata: CrateMetadata, platform: PlatformName
) -> StepFailed | None:
    """Return a permanent failure of another platform's tests; raise others, such as a timeout."""
    try:
        _test(session, job, metadata, platform)
    except StepFailed as failed:
        session.note(FOREIGN_TESTS_ADVICE)
        if failed.failure.failure_class != "permanent":
            raise failed.for_platform(platform) from None
        return failed.for_platform(platform)
    return None


def _test(session: BuildSession, job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> UnitTests:
    """Run the tests of one platform; record and return their state."""
    test_run = RECIPES[job.crate.kind].test(job, metadata, platform)
    if test_run.script is None:
        tests = UnitTests(state="not_run" if test_run.reason else "none", reason=test_run.reason)
    else:
        tests = _run(session, job, platform, test_run, test_run.script)
    session.record.add_tests(platform, tests)
    return tests


def _run(session: BuildSession, job: BuildJob, platform: PlatformName, test_run: TestRun, script: str) -> UnitTests:
    session.enter("test")
    if test_run.runtime:
        session.log.line(f"note: running the tests for {platform} by {test_run.runtime}")
    last_line, counted, started = deque[str](maxlen=1), CountedTests(), time.monotonic()

    def on_line(line: str) -> None:
        last_line.append(line)
        counted.feed(line)

    try:
        session.command("test", script, job.package_directory, on_line=on_line)
    except StepFailed:
        failed = UnitTests(state="failed", by=test_run.runtime, seconds=_seconds_since(started))
        session.record.add_tests(platform, failed)
        raise
    return _finished(test_run, last_line, counted, _seconds_since(started))


def _seconds_since(started: float) -> float:
    return round(time.monotonic() - started, 3)


def _finished(test_run: TestRun, last_line: Iterable[str], counted: CountedTests, seconds: float) -> UnitTests:
    """Return passed tests, or none if their runner counted none, or not_run if they started no Node or want a browser.

    The script itself says in its last line that the tests started no Node: no other line counts.
    """
    if test_run.needs_node and NO_NODE_LINE in last_line:
        return UnitTests(reason=NO_NODE)
    if test_run.runner and counted.are_none(cargo=test_run.runner == "cargo"):
        if counted.needs_browser:
            return UnitTests(reason=BROWSER_TESTS)
        return UnitTests(state="none", by=test_run.runtime, reason=NO_TESTS, seconds=seconds)
    return UnitTests(state="passed", by=test_run.runtime, seconds=seconds)


def _record_all(session: BuildSession, platforms: Iterable[PlatformName], tests: UnitTests) -> None:
    for platform in platforms:
        session.record.add_tests(platform, tests)
