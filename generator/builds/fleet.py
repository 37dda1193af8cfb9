"""Builds of many crates at once: the next one starts as soon as any sandbox is free."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait

from generator.builds.context import CrateBuild
from generator.builds.crate import build_crate
from generator.builds.reporting import failed_report
from generator.errors import CratematrixError, InputError
from generator.manifest.names import log_name
from generator.reports.models import CrateReport


def build_fleet(builds: Sequence[CrateBuild], jobs: int) -> tuple[CrateReport, ...]:
    """Build the crates in their order, `jobs` at a time, and return their reports in that order.

    A failed crate does not stop the others. A stopped run returns as soon as its sandboxes are killed.
    """
    with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="crate") as pool:
        futures = [pool.submit(_build_one, build) for build in builds]
        # A signal may reach any thread, but Python runs its handler only when the main thread wakes up.
        while wait(futures, timeout=0.2).not_done:
            pass
        return tuple(future.result() for future in futures)


def _build_one(build: CrateBuild) -> CrateReport:
    try:
        report = build_crate(build)
    except CratematrixError as error:
        report = failed_report(build, "permanent", error.message_with_fix)
    except OSError as error:
        file = error.filename or build.context.out.path
        report = failed_report(build, "transient", f"{file}: {error.strerror or error}")
    except Exception as error:
        # A bug in one crate's build must not stop the others.
        report = _bug_report(build, error)
    build.context.observer.finished(report)
    return report


def _bug_report(build: CrateBuild, error: Exception) -> CrateReport:
    """Return the report of a crate after a bug in this program, and append the traceback to the crate's log."""
    log = log_name(build.crate.name)
    trace = "".join(traceback.format_exception(error))
    message = f"cratematrix itself failed ({type(error).__name__}: {error}): see {log}"[:500]
    try:
        build.context.out.append(log, build.context.redactor(trace))
    except InputError:
        message = f"cratematrix itself failed: {type(error).__name__}: {error}"[:500]
    return failed_report(build, "permanent", message)
