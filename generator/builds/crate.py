"""One crate to its end: taken up from a receipt, skipped, or tried as often as its failures allow."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from generator.builds import receipts
from generator.builds.attempt import attempt
from generator.builds.log import CrateLog
from generator.builds.outcome import Outcome, Try
from generator.builds.task import Task
from generator.equipment import missing
from generator.errors import InputError, Unavailable
from generator.manifest.names import log_name, sbom_name, tarball_names
from generator.manifest.values import NEXT_SIZE, Size
from generator.platforms import PLATFORM_NAMES, PlatformName
from generator.reports.costs import right_size, sandbox_use
from generator.reports.models import CrateReport, Failure, State, Unit
from generator.sandboxes.sandbox import FailureClass
from generator.sources.collect import Collected, collect

FIRST_DELAY: Final = 2.0
LONGEST_DELAY: Final = 60.0
NO_LOCK: Final = "there is no Cargo.lock: dependencies are resolved anew each time; commit one"


@dataclass(frozen=True)
class Retry:
    """Try again after `delay` seconds, in a fresh sandbox of this size."""

    size: Size
    delay: float


def retry_after(
    failure: FailureClass, size: Size, first_size: Size, transient: int, retries: int, jitter: float = 0.0
) -> Retry | None:
    """Say whether a failed crate is tried again.

    A transient failure is, `retries` times, after 2 s and then twice as long each time, and up to half as long again
    by `jitter`, a number from 0 to 1, so that crates which failed together do not come back together. One for lack of
    memory or disk is, once, on the next size; nothing else is. `transient` counts the transient failures so far, this
    one included.
    """
    if failure == "transient" and transient <= retries:
        delay = min(LONGEST_DELAY, FIRST_DELAY * 2 ** (transient - 1)) * (1 + jitter / 2)
        return Retry(size, round(delay, 3))
    if failure == "too_small" and size == first_size and size in NEXT_SIZE:
        return Retry(NEXT_SIZE[size], 0.0)
    return None


def build_crate(task: Task) -> CrateReport:
    """Build one crate; whatever goes wrong is in its report, and nothing is raised but for a bug."""
    started = time.monotonic()
    if task.workshop.stop.is_set():
        return _stopped(task, task.settings.platforms)
    reasons = {name: _missing(task, name) for name in task.settings.platforms}
    for platform in task.settings.required:
        if reason := reasons[platform]:
            return failed_before_building(task, "permanent", f"{platform} is required: {reason}")
    able = tuple(name for name, reason in reasons.items() if reason is None)
    if not able:
        return _report(task, "skipped", _skipped(task))
    with CrateLog(
        task.crate.name,
        task.workshop.out.log(log_name(task.crate.name)),
        task.workshop.observer,
        task.workshop.redactor,
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
            return _stopped(task, able)
        log.line(f"error: {error.advice}")
        return failed_before_building(task, kind, error.advice)
    notes = (*source.notes, *([] if source.has_lock else [NO_LOCK]))
    for note in notes:
        log.line(f"note: {note}")
    wanted = receipts.input_digest(task, able, source)
    if earlier := receipts.take_up(task, wanted):
        log.line("taken up from an earlier run: nothing that decides the result has changed")
        return earlier
    # A package of an earlier build, in whichever layout, must not be taken for one of this.
    earlier_names = tarball_names(task.crate, task.settings.npm_name, PLATFORM_NAMES, "split")
    for name in (*earlier_names, sbom_name(task.crate.name)):
        task.workshop.out.remove(name)
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
            again = retry_after("transient", size, size, number, task.settings.retries, random.random())  # noqa: S311
            if again is None or task.workshop.stop.is_set():
                raise
            log.line(f"{error.message}; trying again after {again.delay:g} s")
            if task.workshop.stop.wait(again.delay):
                raise


@dataclass
class _Tries:
    """How often a crate was tried, in what size, and what came of it."""

    task: Task
    size: Size
    transient: int = 0
    outcomes: list[Outcome] = field(default_factory=list)

    def next(self, outcome: Outcome) -> Retry | None:
        """Say whether the crate is tried again after this."""
        failure, settings = outcome.failure, self.task.settings
        if failure is None or outcome.stopped or self.task.workshop.stop.is_set():
            return None
        count = self.transient + (failure.failure_class == "transient")
        jitter = random.random()  # noqa: S311  no secret depends on it
        return retry_after(failure.failure_class, self.size, settings.size, count, settings.retries, jitter)

    def keep(self, outcome: Outcome) -> bool:
        """Say whether the sandbox of this outcome is left for somebody to look inside."""
        workshop = self.task.workshop
        return workshop.keep_failed and self.next(outcome) is None and not workshop.stop.is_set()


def _attempts(
    task: Task, able: tuple[PlatformName, ...], source: Collected, log: CrateLog, given: tuple[str, ...]
) -> CrateReport:
    tries, notes = _Tries(task, task.settings.size), list(given)
    while True:
        number = len(tries.outcomes) + 1
        outcome = attempt(task, able, source, Try(number, task.workshop.site.sizes[tries.size], tries.keep), log)
        tries.outcomes.append(outcome)
        if outcome.stopped or (outcome.failure and task.workshop.stop.is_set()):
            return _stopped(task, able, tries.outcomes)
        if outcome.failure is None:
            skipped = all(unit.state == "skipped" for unit in outcome.units.values())
            return _finished(task, "skipped" if skipped else "built", tries.outcomes, tuple(notes))
        again = tries.next(outcome)
        if again is None:
            log.line(f"error: {outcome.failure.message}")
            return _finished(task, "failed", tries.outcomes, tuple(notes))
        tries.transient += outcome.failure.failure_class == "transient"
        tries.size = again.size
        notes.append(f"attempt {number} failed ({outcome.failure.failure_class}): {outcome.failure.message}")
        log.line(f"{notes[-1]}; trying again after {again.delay:g} s with size {again.size}")
        if task.workshop.stop.wait(again.delay):
            return _stopped(task, able, tries.outcomes)


def _finished(task: Task, state: State, outcomes: Sequence[Outcome], notes: tuple[str, ...]) -> CrateReport:
    outcome = outcomes[-1]
    done = tuple(outcome.units.values())
    left = [name for name in task.settings.platforms if name not in outcome.units and _missing(task, name) is None]
    return _report(
        task,
        state,
        (*done, *_units(left, "not_run", "an earlier step failed"), *_skipped(task)),
        attempts=len(outcomes),
        phases=tuple(outcome.phases),
        package=outcome.packages[0] if outcome.packages else None,
        packages=outcome.packages,
        sbom=outcome.sbom,
        loaded=outcome.loaded,
        tests=outcome.tests,
        coverage=outcome.coverage,
        notes=(*notes, *outcome.notes),
        failure=outcome.failure,
        hint=right_size(tuple(outcome.usages), task.workshop.site.sizes) if state == "built" else None,
        **_spent(task, outcomes),
    )


def _stopped(task: Task, platforms: tuple[PlatformName, ...], outcomes: Sequence[Outcome] = ()) -> CrateReport:
    notes = tuple(note for outcome in outcomes for note in outcome.notes)
    units = _units(platforms, "not_run", "the run was stopped")
    return _report(task, "not_run", units, attempts=len(outcomes), notes=notes, **_spent(task, outcomes))


def _spent(task: Task, outcomes: Sequence[Outcome]) -> dict[str, object]:
    """Return what all sandboxes of a crate used and cost, and what of it was for nothing."""
    used = [
        sandbox_use(usage, number, outcome.failure, task.workshop.site.prices)
        for number, outcome in enumerate(outcomes, 1)
        for usage in outcome.usages
    ]
    wasted = [each for each in used if each.attempt < len(outcomes)]
    peaks = [phase.peak_memory for outcome in outcomes for phase in outcome.phases]
    return {
        "sandboxes": tuple(used),
        "cost": round(sum(each.cost or 0 for each in used), 6),
        "retry_seconds": round(sum(each.seconds for each in wasted), 3),
        "retry_cost": round(sum(each.cost or 0 for each in wasted), 6),
        "peak_memory": max([*peaks, *(each.peak_memory or 0 for each in used)], default=0),
    }


def failed_before_building(task: Task, failure_class: FailureClass, message: str) -> CrateReport:
    """Return the report of a crate that no sandbox was opened for, or whose sandbox tells no more."""
    failure = Failure(failure_class=failure_class, phase="source", message=message)
    units = _units(task.settings.platforms, "not_run", message)
    return _report(task, "failed", units, attempts=1, failure=failure)


def _skipped(task: Task) -> tuple[Unit, ...]:
    reasons = ((name, _missing(task, name)) for name in task.settings.platforms)
    return tuple(Unit(platform=name, state="skipped", reason=reason) for name, reason in reasons if reason)


def _missing(task: Task, platform: PlatformName) -> str | None:
    """Say why the crate is not built for a platform here, or None."""
    return missing(task.crate.kind, platform, task.workshop.site.equipment)


def _units(platforms: Iterable[PlatformName], state: State, reason: str) -> tuple[Unit, ...]:
    return tuple(Unit(platform=name, state=state, reason=reason) for name in platforms)


def _report(task: Task, state: State, units: tuple[Unit, ...], **more: object) -> CrateReport:
    crate = task.crate
    return CrateReport.model_validate(
        {"name": crate.name, "version": crate.version, "kind": crate.kind, "state": state, "units": units, **more}
    )
