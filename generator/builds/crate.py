"""One crate to its end: taken up from a receipt, skipped, or tried as often as its failures allow."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from generator.builds import receipts
from generator.builds.attempt import Outcome, attempt
from generator.builds.endings import Stopped
from generator.builds.log import CrateLog
from generator.builds.task import Task
from generator.errors import InputError, Unavailable
from generator.manifest.models import Size
from generator.manifest.names import tarball_name
from generator.platforms import PlatformName
from generator.reports.models import CrateReport, Failure, State, Unit
from generator.sandboxes.sandbox import SIZES, FailureClass
from generator.sources.collect import Collected, collect

FIRST_DELAY: Final = 2.0
LONGEST_DELAY: Final = 60.0
NO_LOCK: Final = "there is no Cargo.lock: dependencies are resolved anew each time; commit one"
NEXT_SIZE: Final[dict[Size, Size]] = {"small": "standard", "standard": "large"}


@dataclass(frozen=True)
class Retry:
    """Try again after `delay` seconds, in a fresh sandbox of this size."""

    size: Size
    delay: float


def retry_after(failure: FailureClass, size: Size, first_size: Size, transient: int, retries: int) -> Retry | None:
    """Say whether a failed crate is tried again.

    A transient failure is, `retries` times, after 2 s and then twice as long each time; one for lack of memory or disk
    is, once, on the next size; nothing else is. `transient` counts the transient failures so far, this one included.
    """
    if failure == "transient" and transient <= retries:
        return Retry(size, min(LONGEST_DELAY, FIRST_DELAY * 2 ** (transient - 1)))
    if failure == "too_small" and size == first_size and size in NEXT_SIZE:
        return Retry(NEXT_SIZE[size], 0.0)
    return None


def build_crate(task: Task) -> CrateReport:
    """Build one crate; whatever goes wrong is in its report, and nothing is raised but for a bug."""
    started = time.monotonic()
    if task.workshop.stop.is_set():
        return _stopped(task, task.settings.platforms, 0)
    able = tuple(name for name in task.settings.platforms if task.workshop.missing(name) is None)
    if not able:
        return _report(task, "skipped", _skipped(task))
    with CrateLog(
        task.crate.name, task.workshop.out / "logs" / f"{task.crate.name}.log", task.workshop.observer
    ) as log:
        report = _build(task, able, log)
    return report.model_copy(update={"seconds": round(time.monotonic() - started, 3)})


def _build(task: Task, able: tuple[PlatformName, ...], log: CrateLog) -> CrateReport:
    task.workshop.observer.phase(task.crate.name, "source")
    try:
        source = _source(task, log)
    except (InputError, Unavailable) as error:
        kind: FailureClass = "transient" if isinstance(error, Unavailable) else "permanent"
        if task.workshop.stop.is_set():
            return _stopped(task, able, 0)
        log.line(f"error: {error.advice}")
        return failed_before_building(task, kind, error.advice)
    notes = (*source.notes, *([] if source.has_lock else [NO_LOCK]))
    for note in notes:
        log.line(f"note: {note}")
    wanted = receipts.input_digest(task, able, source)
    if earlier := receipts.take_up(task, wanted):
        log.line("taken up from an earlier run: nothing that decides the result has changed")
        return earlier
    # A package of an earlier build must not be taken for one of this.
    (task.workshop.out / tarball_name(task.settings.npm_name, task.crate.version)).unlink(missing_ok=True)
    report = _attempts(task, able, source, log, notes)
    if report.state == "built":
        receipts.leave(task, wanted, report)
    return report


def _source(task: Task, log: CrateLog) -> Collected:
    """Collect the source; a repository that cannot be reached is tried again like a failed attempt."""
    archive = task.workshop.scratch / f"{task.crate.name}.tar"
    size, number = task.settings.size, 0
    while True:
        number += 1
        try:
            return collect(task.crate, task.workshop.places, archive)
        except Unavailable as error:
            again = retry_after("transient", size, size, number, task.settings.retries)
            if again is None or task.workshop.stop.is_set():
                raise
            log.line(f"{error.message}; trying again after {again.delay:g} s")
            if task.workshop.stop.wait(again.delay):
                raise


def _attempts(
    task: Task, able: tuple[PlatformName, ...], source: Collected, log: CrateLog, given: tuple[str, ...]
) -> CrateReport:
    size, number, transient, notes = task.settings.size, 0, 0, list(given)
    while True:
        number += 1
        try:
            outcome = attempt(task, able, source, SIZES[size], log)
        except Stopped:
            return _stopped(task, able, number)
        if outcome.failure is None:
            return _finished(task, "built", outcome, number, tuple(notes))
        if task.workshop.stop.is_set():
            return _stopped(task, able, number)
        transient += outcome.failure.failure_class == "transient"
        again = retry_after(outcome.failure.failure_class, size, task.settings.size, transient, task.settings.retries)
        if again is None:
            log.line(f"error: {outcome.failure.message}")
            return _finished(task, "failed", outcome, number, tuple(notes))
        notes.append(f"attempt {number} failed ({outcome.failure.failure_class}): {outcome.failure.message}")
        log.line(f"{notes[-1]}; trying again after {again.delay:g} s with size {again.size}")
        size = again.size
        if task.workshop.stop.wait(again.delay):
            return _stopped(task, able, number)


def _finished(task: Task, state: State, outcome: Outcome, attempts: int, notes: tuple[str, ...]) -> CrateReport:
    done = tuple(outcome.units.values())
    left = [
        name for name in task.settings.platforms if name not in outcome.units and task.workshop.missing(name) is None
    ]
    return _report(
        task,
        state,
        (*done, *_units(left, "not_run", "an earlier step failed"), *_skipped(task)),
        attempts=attempts,
        phases=tuple(outcome.phases),
        peak_memory=max((phase.peak_memory for phase in outcome.phases), default=0),
        package=outcome.package,
        loaded=outcome.loaded,
        tests=outcome.tests,
        notes=(*notes, *outcome.notes),
        failure=outcome.failure,
    )


def _stopped(task: Task, platforms: tuple[PlatformName, ...], attempts: int) -> CrateReport:
    return _report(task, "not_run", _units(platforms, "not_run", "the run was stopped"), attempts=attempts)


def failed_before_building(task: Task, failure_class: FailureClass, message: str) -> CrateReport:
    """Return the report of a crate that no sandbox was opened for, or whose sandbox tells no more."""
    failure = Failure(failure_class=failure_class, phase="source", message=message)
    units = _units(task.settings.platforms, "not_run", message)
    return _report(task, "failed", units, attempts=1, failure=failure)


def _skipped(task: Task) -> tuple[Unit, ...]:
    reasons = ((name, task.workshop.missing(name)) for name in task.settings.platforms)
    return tuple(Unit(platform=name, state="skipped", reason=reason) for name, reason in reasons if reason)


def _units(platforms: Iterable[PlatformName], state: State, reason: str) -> tuple[Unit, ...]:
    return tuple(Unit(platform=name, state=state, reason=reason) for name in platforms)


def _report(task: Task, state: State, units: tuple[Unit, ...], **more: object) -> CrateReport:
    crate = task.crate
    return CrateReport.model_validate(
        {"name": crate.name, "version": crate.version, "kind": crate.kind, "state": state, "units": units, **more}
    )
