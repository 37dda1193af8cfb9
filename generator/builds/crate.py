"""One crate to its end: taken up from a receipt, skipped, or tried as often as its failures allow."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from generator.builds import cache as receipts
from generator.builds.attempt import attempt
from generator.builds.context import CrateBuild
from generator.builds.log import CrateLog
from generator.builds.result import Attempt, AttemptResult
from generator.errors import InputError, Unavailable
from generator.manifest.names import log_name, sbom_name, tarball_names
from generator.manifest.values import NEXT_SIZE, Size
from generator.platforms import PLATFORM_NAMES, PlatformName
from generator.reports.costs import sandbox_use, size_hint
from generator.reports.models import CrateReport, Failure, State, Unit
from generator.sandboxes.contract import FailureClass
from generator.sources.collect import CollectedSource, collect
from generator.toolchain.toolchain import unmet_need

FIRST_DELAY: Final = 2.0
LONGEST_DELAY: Final = 60.0
NO_LOCK: Final = "there is no Cargo.lock: dependencies are resolved anew each time; commit one"


@dataclass(frozen=True)
class NextAttempt:
    """Try again after `delay` seconds, in a fresh sandbox of this size."""

    size: Size
    delay: float


def next_attempt(
    failure: FailureClass, size: Size, first_size: Size, transient: int, retries: int, jitter: float = 0.0
) -> NextAttempt | None:
    """Say whether a failed crate is tried again.

    A transient failure is, `retries` times, after 2 s and then twice as long each time, and up to half as long again
    by `jitter`, a number from 0 to 1, so that crates which failed together do not come back together. One for lack of
    memory or disk is, once, on the next size; nothing else is. `transient` counts the transient failures so far, this
    one included.
    """
    if failure == "transient" and transient <= retries:
        delay = min(LONGEST_DELAY, FIRST_DELAY * 2 ** (transient - 1)) * (1 + jitter / 2)
        return NextAttempt(size, round(delay, 3))
    if failure == "too_small" and size == first_size and size in NEXT_SIZE:
        return NextAttempt(NEXT_SIZE[size], 0.0)
    return None


def build_crate(build: CrateBuild) -> CrateReport:
    """Build one crate; whatever goes wrong is in its report, and nothing is raised but for a bug."""
    started = time.monotonic()
    if build.context.stop.is_set():
        return _stopped(build, build.settings.platforms)
    reasons = {name: _missing(build, name) for name in build.settings.platforms}
    for platform in build.settings.required:
        if reason := reasons[platform]:
            return failed_before_building(build, "permanent", f"{platform} is required: {reason}")
    able = tuple(name for name, reason in reasons.items() if reason is None)
    if not able:
        return _report(build, "skipped", _skipped(build))
    with CrateLog(
        build.crate.name,
        build.context.out.open_log(log_name(build.crate.name)),
        build.context.observer,
        build.context.redactor,
    ) as log:
        report = _build(build, able, log)
    return report.model_copy(update={"seconds": round(time.monotonic() - started, 3)})


def _build(build: CrateBuild, able: tuple[PlatformName, ...], log: CrateLog) -> CrateReport:
    build.context.observer.phase(build.crate.name, "source")
    try:
        source = _source(build, log)
    except (InputError, Unavailable) as error:
        kind: FailureClass = "transient" if isinstance(error, Unavailable) else "permanent"
        if build.context.stop.is_set():
            return _stopped(build, able)
        log.line(f"error: {error.message_with_fix}")
        return failed_before_building(build, kind, error.message_with_fix)
    notes = (*source.notes, *([] if source.has_lock else [NO_LOCK]))
    for note in notes:
        log.line(f"note: {note}")
    wanted = receipts.cache_key(build, able, source)
    if earlier := receipts.restore(build, wanted):
        log.line("taken up from an earlier run: nothing that decides the result has changed")
        return earlier
    # A package of an earlier build, in whichever layout, must not be taken for one of this.
    earlier_names = tarball_names(build.crate, build.settings.npm_name, PLATFORM_NAMES, "split")
    for name in (*earlier_names, sbom_name(build.crate.name)):
        build.context.out.remove(name)
    report = _attempts(build, able, source, log, notes)
    if report.state == "built":
        receipts.store(build, wanted, report)
    return report


def _source(build: CrateBuild, log: CrateLog) -> CollectedSource:
    """Collect the source; a repository that cannot be reached is tried again like a failed attempt."""
    archive = build.context.scratch / f"{build.crate.name}.tar"
    size, number = build.settings.size, 0
    while True:
        number += 1
        try:
            return collect(build.crate, build.context.sources, archive)
        except Unavailable as error:
            again = next_attempt("transient", size, size, number, build.settings.retries, random.random())  # noqa: S311
            if again is None or build.context.stop.is_set():
                raise
            log.line(f"{error.message}; trying again after {again.delay:g} s")
            if build.context.stop.wait(again.delay):
                raise


@dataclass
class _Attempts:
    """How often a crate was tried, in what size, and what came of it."""

    build: CrateBuild
    size: Size
    transient: int = 0
    results: list[AttemptResult] = field(default_factory=list)

    def next(self, result: AttemptResult) -> NextAttempt | None:
        """Say whether the crate is tried again after this."""
        failure, settings = result.failure, self.build.settings
        if failure is None or result.stopped or self.build.context.stop.is_set():
            return None
        count = self.transient + (failure.failure_class == "transient")
        jitter = random.random()  # noqa: S311  no secret depends on it
        return next_attempt(failure.failure_class, self.size, settings.size, count, settings.retries, jitter)

    def keep(self, result: AttemptResult) -> bool:
        """Say whether the sandbox of this outcome is left for somebody to look inside."""
        context = self.build.context
        return context.keep_failed and self.next(result) is None and not context.stop.is_set()


def _attempts(
    build: CrateBuild, able: tuple[PlatformName, ...], source: CollectedSource, log: CrateLog, given: tuple[str, ...]
) -> CrateReport:
    tries, notes = _Attempts(build, build.settings.size), list(given)
    while True:
        number = len(tries.results) + 1
        result = attempt(
            build, able, source, Attempt(number, build.context.environment.sizes[tries.size], tries.keep), log
        )
        tries.results.append(result)
        if result.stopped or (result.failure and build.context.stop.is_set()):
            return _stopped(build, able, tries.results)
        if result.failure is None:
            skipped = all(unit.state == "skipped" for unit in result.units.values())
            return _finished(build, "skipped" if skipped else "built", tries.results, tuple(notes))
        again = tries.next(result)
        if again is None:
            log.line(f"error: {result.failure.message}")
            return _finished(build, "failed", tries.results, tuple(notes))
        tries.transient += result.failure.failure_class == "transient"
        tries.size = again.size
        notes.append(f"attempt {number} failed ({result.failure.failure_class}): {result.failure.message}")
        log.line(f"{notes[-1]}; trying again after {again.delay:g} s with size {again.size}")
        if build.context.stop.wait(again.delay):
            return _stopped(build, able, tries.results)


def _finished(build: CrateBuild, state: State, results: Sequence[AttemptResult], notes: tuple[str, ...]) -> CrateReport:
    result = results[-1]
    done = tuple(result.units.values())
    left = [name for name in build.settings.platforms if name not in result.units and _missing(build, name) is None]
    return _report(
        build,
        state,
        (*done, *_units(left, "not_run", "an earlier step failed"), *_skipped(build)),
        attempts=len(results),
        phases=tuple(result.phases),
        package=result.packages[0] if result.packages else None,
        packages=result.packages,
        sbom=result.sbom,
        loaded=result.loaded,
        tests=result.tests,
        coverage=result.coverage,
        notes=(*notes, *result.notes),
        failure=result.failure,
        hint=size_hint(tuple(result.sandbox_usages), build.context.environment.sizes) if state == "built" else None,
        **_spent(build, results),
    )


def _stopped(
    build: CrateBuild, platforms: tuple[PlatformName, ...], results: Sequence[AttemptResult] = ()
) -> CrateReport:
    notes = tuple(note for result in results for note in result.notes)
    units = _units(platforms, "not_run", "the run was stopped")
    return _report(build, "not_run", units, attempts=len(results), notes=notes, **_spent(build, results))


def _spent(build: CrateBuild, results: Sequence[AttemptResult]) -> dict[str, object]:
    """Return what all sandboxes of a crate used and cost, and what of it was for nothing."""
    used = [
        sandbox_use(usage, number, result.failure, build.context.environment.prices)
        for number, result in enumerate(results, 1)
        for usage in result.sandbox_usages
    ]
    wasted = [each for each in used if each.attempt < len(results)]
    peaks = [phase.peak_memory for result in results for phase in result.phases]
    return {
        "sandboxes": tuple(used),
        "cost": round(sum(each.cost or 0 for each in used), 6),
        "retry_seconds": round(sum(each.seconds for each in wasted), 3),
        "retry_cost": round(sum(each.cost or 0 for each in wasted), 6),
        "peak_memory": max([*peaks, *(each.peak_memory or 0 for each in used)], default=0),
    }


def failed_before_building(build: CrateBuild, failure_class: FailureClass, message: str) -> CrateReport:
    """Return the report of a crate that no sandbox was opened for, or whose sandbox tells no more."""
    failure = Failure(failure_class=failure_class, phase="source", message=message)
    units = _units(build.settings.platforms, "not_run", message)
    return _report(build, "failed", units, attempts=1, failure=failure)


def _skipped(build: CrateBuild) -> tuple[Unit, ...]:
    reasons = ((name, _missing(build, name)) for name in build.settings.platforms)
    return tuple(Unit(platform=name, state="skipped", reason=reason) for name, reason in reasons if reason)


def _missing(build: CrateBuild, platform: PlatformName) -> str | None:
    """Say why the crate is not built for a platform here, or None."""
    return unmet_need(build.crate.kind, platform, build.context.environment.toolchain)


def _units(platforms: Iterable[PlatformName], state: State, reason: str) -> tuple[Unit, ...]:
    return tuple(Unit(platform=name, state=state, reason=reason) for name in platforms)


def _report(build: CrateBuild, state: State, units: tuple[Unit, ...], **more: object) -> CrateReport:
    crate = build.crate
    return CrateReport.model_validate(
        {"name": crate.name, "version": crate.version, "kind": crate.kind, "state": state, "units": units, **more}
    )
