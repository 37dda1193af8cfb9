"""The build of one crate: reused from the build cache, an earlier attempt or a release, skipped, or built."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from generator.builds import cache
from generator.builds.attempt import AttemptOptions, attempt
from generator.builds.context import CrateBuild
from generator.builds.earlier import earlier_report
from generator.builds.inputs import BuildInputs, build_inputs
from generator.builds.log import CrateLog
from generator.builds.reporting import failed_report, finished_report, skipped_report, stopped_report, unbuilt_report
from generator.builds.result import AttemptResult
from generator.builds.retries import Retries, retry_unavailable
from generator.builds.unchanged import unchanged_report
from generator.errors import InputError, Unavailable
from generator.manifest.crate_files import files_of_checkout, own_differences
from generator.manifest.names import log_name, sbom_name, tarball_names
from generator.platforms import PLATFORM_NAMES, PlatformName
from generator.reports.models import CrateReport, Failure
from generator.sources.collect import CollectedSource, collect

NO_LOCK_FILE: Final = "there is no Cargo.lock: each build resolves its dependencies again; commit one"


def build_crate(build: CrateBuild) -> CrateReport:
    """Build one crate and return its report, also for a failure; only a bug or a full disk raises."""
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
    with CrateLog(build.crate.name, file, context.observer, context.redactor) as log:
        report = _build(build, platforms, log)
    began, seconds = started - context.started, time.monotonic() - started
    return report.model_copy(update={"started": round(began, 3), "seconds": round(seconds, 3)})


def _build(build: CrateBuild, platforms: tuple[PlatformName, ...], log: CrateLog) -> CrateReport:
    """Collect the source, then reuse the crate from an earlier build, or build it."""
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
    report = _reused(build, inputs, log)
    if report is None:
        report = _attempts(build, platforms, source, log, notes)
        if report.state == "built":
            cache.store(build, inputs.key, report)
    return report.model_copy(update={"cache_key": inputs.shown_key, "inputs": inputs.digests})


def _reused(build: CrateBuild, inputs: BuildInputs, log: CrateLog) -> CrateReport | None:
    """Return the report of a crate that need not be built, or None."""
    if cached := cache.restore(build, inputs.key):
        log.line("reused from the build cache: the input has not changed")
        return cached
    _remove_packages(build)
    earlier = build.context.earlier.get(build.crate.name)
    if resumed := earlier_report(build.crate, build.settings, inputs.shown_key, earlier, build.context.out):
        log.line("built by an earlier attempt: the input has not changed")
        return resumed
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


def _attempts(
    build: CrateBuild,
    platforms: tuple[PlatformName, ...],
    source: CollectedSource,
    log: CrateLog,
    source_notes: tuple[str, ...],
) -> CrateReport:
    """Build the crate in up to as many attempts as its failures allow."""
    context, settings = build.context, build.settings
    retries, notes = Retries(settings.size, settings.size, settings.retries), [*source_notes]
    results: list[AttemptResult] = []
    while True:
        number = len(results) + 1
        resources = context.environment.sizes[retries.size]
        options = AttemptOptions(number, resources, _keeps_sandbox(build, retries))
        likely = build.likely_cost(retries.size)
        if not context.spending.reserve(likely):
            log.line(f"error: {context.spending.reason}")
            return stopped_report(build, platforms, results, context.spending.reason)
        result = attempt(build, platforms, source, options, log)
        results.append(result)
        usages = result.record.usages
        context.spending.settle(likely, sum(context.environment.cost(each.resources, each.seconds) for each in usages))
        if not result.is_unreachable:
            context.offline.clear()
        failure = result.failure
        if result.stopped or (failure and context.stop.is_set()):
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


def _keeps_sandbox(build: CrateBuild, retries: Retries) -> Callable[[Failure], bool]:
    """Return the check that the sandbox of a failure stays open: only of the last attempt, with --keep-failed."""
    context = build.context
    return lambda failure: (
        context.keep_failed and not context.stop.is_set() and retries.next(failure.failure_class) is None
    )
