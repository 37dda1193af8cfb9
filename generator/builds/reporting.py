"""Reports of crates, from the results of their attempts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from generator.builds.context import CrateBuild
from generator.builds.failures import built_for_none
from generator.builds.result import AttemptResult
from generator.platforms import PlatformName
from generator.prices import SandboxPrices
from generator.reports.costs import sandbox_use, size_hint
from generator.reports.models import CrateReport, Failure, SandboxUse, State, Unit
from generator.sandboxes.contract import FailureClass


def finished_report(
    build: CrateBuild, state: State, results: Sequence[AttemptResult], notes: Iterable[str]
) -> CrateReport:
    """Return the report after the last attempt; `notes` come before those of the attempt."""
    result, environment = results[-1], build.context.environment
    record, files = result.record, result.files
    spending = _spending(results, environment.prices)
    has_own_size = build.settings.size != "auto" and build.crate.batch is None
    return CrateReport(
        name=build.crate.name,
        version=build.crate.version,
        kind=build.crate.kind,
        state=state,
        attempts=len(results),
        units=_all_units(build, record.units),
        phases=record.phases,
        peak_memory=spending.peak_memory,
        sandboxes=spending.sandboxes,
        cost=spending.cost,
        retry_seconds=spending.retry_seconds,
        retry_cost=spending.retry_cost,
        hint=size_hint(record.usages, environment.sizes) if state == "built" and has_own_size else None,
        package=files.packages[0] if files else None,
        packages=files.packages if files else (),
        sbom=files.sbom if files else None,
        loaded=files.loaded if files else None,
        tests=record.tests(environment.toolchain.host),
        coverage=record.coverage,
        notes=(*notes, *record.notes),
        failure=result.failure,
    )


def stopped_report(
    build: CrateBuild,
    platforms: Iterable[PlatformName],
    results: Sequence[AttemptResult] = (),
    reason: str = "the run was stopped",
) -> CrateReport:
    """Return the report of a crate whose run was stopped, or may spend no more, before or during its build."""
    spending = _spending(results, build.context.environment.prices)
    return CrateReport(
        name=build.crate.name,
        version=build.crate.version,
        kind=build.crate.kind,
        state="not_run",
        attempts=len(results),
        units=_units(platforms, "not_run", reason),
        peak_memory=spending.peak_memory,
        sandboxes=spending.sandboxes,
        cost=spending.cost,
        retry_seconds=spending.retry_seconds,
        retry_cost=spending.retry_cost,
        notes=tuple(note for result in results for note in result.record.notes),
    )


def failed_report(build: CrateBuild, failure_class: FailureClass, message: str) -> CrateReport:
    """Return the report of a crate that failed before an attempt, or by an error of this program."""
    return CrateReport(
        name=build.crate.name,
        version=build.crate.version,
        kind=build.crate.kind,
        state="failed",
        attempts=1,
        units=_units(build.settings.platforms, "not_run", message),
        failure=Failure(failure_class=failure_class, phase="source", message=message),
    )


def unbuilt_report(build: CrateBuild) -> CrateReport:
    """Return the report of a crate that fails, because it can be built for none of its platforms here."""
    reasons = {unit.platform: unit.reason or "" for unit in _skipped(build)}
    report = failed_report(build, "permanent", built_for_none(reasons))
    return report.model_copy(update={"units": _skipped(build)})


def skipped_report(build: CrateBuild) -> CrateReport:
    """Return the report of a crate that can be built for none of its platforms here."""
    return CrateReport(
        name=build.crate.name,
        version=build.crate.version,
        kind=build.crate.kind,
        state="skipped",
        units=_skipped(build),
    )


@dataclass(frozen=True)
class _Spending:
    """The use and cost of all sandboxes of a crate, and the part of attempts that were retried."""

    sandboxes: tuple[SandboxUse, ...]
    cost: float
    retry_seconds: float
    retry_cost: float
    peak_memory: int


def _spending(results: Sequence[AttemptResult], prices: SandboxPrices | None) -> _Spending:
    used = tuple(
        sandbox_use(usage, number, result.failure, prices)
        for number, result in enumerate(results, 1)
        for usage in result.record.usages
    )
    retried = [use for use in used if use.attempt < len(results)]
    peaks = [phase.peak_memory for result in results for phase in result.record.phases]
    return _Spending(
        sandboxes=used,
        cost=round(sum(use.cost or 0 for use in used), 6),
        retry_seconds=round(sum(use.seconds for use in retried), 3),
        retry_cost=round(sum(use.cost or 0 for use in retried), 6),
        peak_memory=max([*peaks, *(use.peak_memory or 0 for use in used)], default=0),
    )


def _all_units(build: CrateBuild, recorded: dict[PlatformName, Unit]) -> tuple[Unit, ...]:
    """Return the recorded units, then those that an earlier failure prevented, then those without tools for them."""
    skipped = _skipped(build)
    known = {*recorded, *(unit.platform for unit in skipped)}
    others = [name for name in build.settings.platforms if name not in known]
    return (*recorded.values(), *_units(others, "not_run", "an earlier step failed"), *skipped)


def _skipped(build: CrateBuild) -> tuple[Unit, ...]:
    needs = build.unmet_needs().items()
    return tuple(Unit(platform=name, state="skipped", reason=reason) for name, reason in needs)


def _units(platforms: Iterable[PlatformName], state: State, reason: str) -> tuple[Unit, ...]:
    return tuple(Unit(platform=name, state=state, reason=reason) for name in platforms)
