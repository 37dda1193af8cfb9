"""Building many crates at once: the next one starts as soon as any sandbox is free."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait

from generator.builds.context import CrateBuild
from generator.builds.crate import build_crate, failed_before_building
from generator.errors import CratematrixError, InputError
from generator.manifest.names import log_name
from generator.reports.models import CrateReport


def build_fleet(builds: Sequence[CrateBuild], jobs: int) -> tuple[CrateReport, ...]:
    """Build the tasks in their order, `jobs` at a time, and return their reports in that order.

    A crate that fails stops no other. A stopped run returns as soon as its sandboxes are gone.
    """
    with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="crate") as pool:
        running = [pool.submit(_build_one, build) for build in builds]
        # A signal may be delivered to any thread, but only a main thread that wakes up runs its handler.
        while wait(running, timeout=0.2).not_done:
            pass
        return tuple(each.result() for each in running)


def _build_one(build: CrateBuild) -> CrateReport:
    try:
        report = build_crate(build)
    except CratematrixError as error:
        report = failed_before_building(build, "permanent", error.message_with_fix)
    except OSError as error:
        report = failed_before_building(
            build, "transient", f"{error.filename or build.context.out.path}: {error.strerror}"
        )
    except Exception as error:
        # A bug in one crate's path must not end the others.
        report = _broken(build, error)
    build.context.observer.finished(report)
    return report


def _broken(build: CrateBuild, error: Exception) -> CrateReport:
    log = log_name(build.crate.name)
    trace = "".join(traceback.format_exception(error))
    message = f"cratematrix itself failed ({type(error).__name__}: {error}): see {log}"[:500]
    try:
        build.context.out.append(log, build.context.redactor(trace))
    except InputError:
        message = f"cratematrix itself failed: {type(error).__name__}: {error}"[:500]
    return failed_before_building(build, "permanent", message)
