"""Builds of many crates at once: the next one starts as soon as any sandbox is free."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import TypeVar

from generator.builds.batch import attempt_together
from generator.builds.context import CrateBuild
from generator.builds.crate import BegunCrate, begin_crate, build_crate, finish_crate
from generator.builds.reporting import failed_report
from generator.errors import CratematrixError, InputError
from generator.manifest.names import log_name
from generator.reports.models import CrateReport

Result = TypeVar("Result")
Finished = Callable[[CrateReport], None]


def build_fleet(builds: Sequence[CrateBuild], jobs: int, finished: Finished) -> None:
    """Build the crates in their order, `jobs` at a time; `finished` gets the report of each, from many threads.

    A failed crate does not stop the others. A stopped run returns as soon as its sandboxes are killed.
    """
    with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="crate") as pool:
        futures = [pool.submit(_build_item, item, finished) for item in _items(builds)]
        # A signal may reach any thread, but Python runs its handler only when the main thread wakes up.
        while wait(futures, timeout=0.2).not_done:
            pass
        for future in futures:
            future.result()


def _items(builds: Sequence[CrateBuild]) -> list[list[CrateBuild]]:
    """Group the crates that share a sandbox: those of a batch.

    A sandbox that is kept for debugging has the files of one crate. Volumes of sandboxes cannot be cleared between
    crates, because other sandboxes use them.
    """
    items: dict[tuple[str, bool], list[CrateBuild]] = {}
    for build in builds:
        context, batch = build.context, build.crate.batch
        is_shared = batch is not None and not context.keep_failed and not context.environment.has_volumes
        items.setdefault((batch if batch and is_shared else build.crate.name, is_shared), []).append(build)
    return [*items.values()]


def _build_item(builds: Sequence[CrateBuild], finished: Finished) -> None:
    """Build a crate, or the crates of a batch; those that are not reused share the sandbox of their first attempt."""
    if len(builds) == 1:
        return _finish(builds[0], lambda: build_crate(builds[0]), finished)
    begun = {build.crate.name: _guarded(build, partial(begin_crate, build)) for build in builds}
    waiting = [each for each in begun.values() if isinstance(each, BegunCrate)]
    attempts = attempt_together(waiting) if len(waiting) > 1 else {}

    def end(name: str) -> CrateReport:
        crate = begun[name]
        return finish_crate(crate, attempts.get(name)) if isinstance(crate, BegunCrate) else crate

    for build in builds:
        _finish(build, partial(end, build.crate.name), finished)
    return None


def _finish(build: CrateBuild, call: Callable[[], CrateReport], finished: Finished) -> None:
    report = _guarded(build, call)
    finished(report)
    build.context.observer.finished(report)


def _guarded(build: CrateBuild, call: Callable[[], Result]) -> Result | CrateReport:
    """Return the result of a call for a crate, or the report of its failure."""
    try:
        return call()
    except CratematrixError as error:
        return failed_report(build, "permanent", error.message_with_fix)
    except OSError as error:
        file = error.filename or build.context.out.path
        return failed_report(build, "transient", f"{file}: {error.strerror or error}")
    except Exception as error:
        # A bug in one crate's build must not stop the others.
        return _bug_report(build, error)


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
