"""The build of one crate: reused from the build cache, an earlier attempt or a release, skipped, or built."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from generator.builds import cache
from generator.builds.attempt import AttemptOptions, attempt
from generator.builds.context import CrateBuild
from generator.builds.earlier import earlier_report
from generator.builds.inputs import BuildInputs, build_inputs
from generator.builds.log import CrateLog
from generator.builds.reporting import failed_report, finished_report, skipped_report, stopped_report, unbuilt_report
from generator.builds.result import AttemptResult, FirstAttempt
from generator.builds.retries import Retries, retry_unavailable
from generator.builds.unchanged import unchanged_report
from generator.errors import InputError, Unavailable
from generator.manifest.crate_files import files_of_checkout, own_differences
from generator.manifest.names import log_name, sbom_name, tarball_names
from generator.platforms import PLATFORM_NAMES, PlatformName
from generator.reports.models import CrateReport, Failure
from generator.sources.collect import CollectedSource, collect

ABANDONED: Final = "the sandbox of its batch could not be used to the end, so it got one of its own"
NO_LOCK_FILE: Final = "there is no Cargo.lock: each build resolves its dependencies again; commit one"


@dataclass(frozen=True)
class BegunCrate:
    """A crate that neither the build cache nor a release has, with its source.

    `notes` are those on the source. `began` is in seconds after the start of the run, and
    `seconds` have passed since.
    """

    build: CrateBuild
    platforms: tuple[PlatformName, ...]
    source: CollectedSource
    log: CrateLog
    notes: tuple[str, ...]
    inputs: BuildInputs
    began: float = 0.0
    seconds: float = 0.0


def build_crate(build: CrateBuild) -> CrateReport:
    """Build one crate and return its report, also for a failure; only a bug or a full disk raises."""
    begun = begin_crate(build)
    return finish_crate(begun) if isinstance(begun, BegunCrate) else begun


def begin_crate(build: CrateBuild) -> CrateReport | BegunCrate:
    """Collect the source of a crate. Return its report if it is not to be built; else `finish_crate` closes its log."""
    started = time.monotonic()
    context = build.context
    if context.stop.is_set():
        return stopped_report(build, build.settings.platforms)
    unmet_needs = build.unmet_needs()
    for platform in build.settings.required:
        if reason := unmet_needs.get(platform):
            return failed_report(build, "permanent", f"{platform} is required: {reason}")
    platforms = tuple(name for name in build.settings.platforms if name not in unmet_needs)
    if not platforms:
        return skipped_report(build) if build.settings.may_be_skipped else unbuilt_report(build)
    file = context.out.open_log(log_name(build.crate.name))
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(CrateLog(build.crate.name, file, context.observer, context.redactor))
        begun = _begin(build, platforms, log)
        if isinstance(begun, BegunCrate):
            stack.pop_all()
            return replace(begun, began=started - context.started, seconds=time.monotonic() - started)
    return _timed(begun, started - context.started, time.monotonic() - started)


def finish_crate(begun: BegunCrate, first: FirstAttempt | None = None) -> CrateReport:
    """Build a crate and return its report; `first` is its attempt in the sandbox of a batch."""
    started = time.monotonic()
    with begun.log:
        report = _attempts(begun, first.result if first else None)
        if report.state == "built":
            cache.store(begun.build, begun.inputs.key, report)
    report = _with_inputs(report, begun.inputs)
    earlier = begun.seconds + (first.seconds if first else 0.0)
    return _timed(report, begun.began, earlier + time.monotonic() - started)


def _timed(report: CrateReport, began: float, seconds: float) -> CrateReport:
    return report.model_copy(update={"started": round(began, 3), "seconds": round(seconds, 3)})


def _begin(build: CrateBuild, platforms: tuple[PlatformName, ...], log: CrateLog) -> CrateReport | BegunCrate:
    """Collect the source, then reuse the crate from an earlier build if possible."""
    log.phase("source")
    try:
        _compare_files(build)
        source = _collect_source(build, log)
    except (InputError, Unavailable) as error:
        if build.context.stop.is_set():
            return stopped_report(build, platforms)
        log.line(f"error: {error.message_with_fix}")
        return failed_report(
            build, "transient" if isinstance(error, Unavailable) else "permanent", error.message_with_fix
        )
    _, channel_notes = build.toolchain(source.channel)
    notes = (*source.notes, *channel_notes, *([] if source.has_lock else [NO_LOCK_FILE]))
    for note in notes:
        log.line(f"note: {note}")
    context = build.context
    inputs = build_inputs(
        build.crate, build.settings, context.environment.conditions, context.variables, platforms, source
    )
    if reused := _reused(build, inputs, log):
        return _with_inputs(reused, inputs)
    return BegunCrate(build, platforms, source, log, notes, inputs)


def _with_inputs(report: CrateReport, inputs: BuildInputs) -> CrateReport:
    return report.model_copy(update={"cache_key": inputs.shown_key, "inputs": inputs.digests})


def _reused(build: CrateBuild, inputs: BuildInputs, log: CrateLog) -> CrateReport | None:
    """Return the report of a crate that need not be built, or None; other packages of it are removed."""
    if cached := cache.restore(build, inputs.key):
        log.line("reused from the build cache: the input has not changed")
        return cached
    _remove_packages(build)
    earlier = build.context.earlier.get(build.crate.name)
    if taken := earlier_report(build.crate, build.settings, inputs.shown_key, earlier, build.context.out):
        log.line("reused from an earlier run: the input has not changed")
        return taken
    if unchanged := unchanged_report(build.crate, build.settings, inputs.shown_key, build.context.previous):
        log.line(f"unchanged since {unchanged.unchanged_since}, whose release has its packages")
        return unchanged
    return None


def _compare_files(build: CrateBuild) -> None:
    """InputError when the manifest and the crate's own files differ in name or version: before anything is fetched."""
    sources = build.context.sources
    files = files_of_checkout(sources.top, sources.manifest_directory)
    for _, sentence in own_differences(build.crate, build.settings.npm_name, files):
        raise InputError(sentence)


def _collect_source(build: CrateBuild, log: CrateLog) -> CollectedSource:
    """Collect the source; an unreachable repository is retried."""
    context = build.context
    archive = context.scratch / f"{build.crate.name}.tar"
    return retry_unavailable(
        lambda: collect(build.crate, context.sources, archive), build.settings.retries, context.stop, log.line
    )


def _remove_packages(build: CrateBuild) -> None:
    """Remove the packages of an earlier build in any layout, so that none is taken for one of this build."""
    tarballs = tarball_names(build.crate, build.settings, PLATFORM_NAMES, "split")
    for name in (*tarballs, sbom_name(build.crate.name)):
        build.context.out.remove(name)


def _attempts(begun: BegunCrate, first: AttemptResult | None) -> CrateReport:
    """Build the crate in up to as many attempts as its failures allow."""
    build, platforms, log = begun.build, begun.platforms, begun.log
    context, settings = build.context, build.settings
    if first is None and context.stop.is_set():
        return stopped_report(build, platforms)
    retries, notes = Retries(build.size, build.size, settings.retries), [*begun.notes]
    results: list[AttemptResult] = []
    while True:
        number = len(results) + 1
        result = first if first and number == 1 else _attempt(begun, retries, number)
        if result is None:
            log.line(f"error: {context.spending.reason}")
            return stopped_report(build, platforms, results, context.spending.reason)
        results.append(result)
        if result.is_abandoned and not context.stop.is_set():
            notes.append(ABANDONED)
            log.line(f"note: {ABANDONED}")
            continue
        if not result.is_unreachable:
            context.offline.clear()
        failure = result.failure
        if result.stopped or (context.stop.is_set() and (failure or result.is_abandoned)):
            return stopped_report(build, platforms, results)
        if failure is None:
            skipped = all(unit.state == "skipped" for unit in result.record.units.values())
            return finished_report(build, "skipped" if skipped else "built", results, notes)
        if result.is_unreachable:
            retries = retries.limited(0 if context.offline.is_set() else 1)
        again = retries.next(failure.failure_class)
        if again is None:
            if result.is_unreachable:
                context.offline.set()
            log.line(f"error: {failure.message}")
            return finished_report(build, "failed", results, notes)
        retries = retries.after(failure.failure_class, again.size)
        notes.append(f"attempt {number} failed ({failure.failure_class}): {failure.message}")
        log.line(f"{notes[-1]}; retrying after {again.delay:g} s with size {again.size}")
        if context.stop.wait(again.delay):
            return stopped_report(build, platforms, results)


def _attempt(begun: BegunCrate, retries: Retries, number: int) -> AttemptResult | None:
    """Build the crate once in a sandbox of its own; None if that would cost too much."""
    build, environment = begun.build, begun.build.context.environment
    spending, likely = build.context.spending, build.likely_cost(retries.size)
    if not spending.reserve(likely):
        return None
    options = AttemptOptions(number, environment.sizes[retries.size], _keeps_sandbox(build, retries))
    result = attempt(build, begun.platforms, begun.source, options, begun.log)
    spending.settle(likely, sum(environment.cost(each.resources, each.seconds) for each in result.record.usages))
    return result


def _keeps_sandbox(build: CrateBuild, retries: Retries) -> Callable[[Failure], bool]:
    """Return the check that the sandbox of a failure stays open: only of the last attempt, with --keep-failed."""
    context = build.context
    return lambda failure: (
        context.keep_failed and not context.stop.is_set() and retries.next(failure.failure_class) is None
    )
