"""Coverage of a crate's tests, from a summary that is as hostile as every file of a sandbox."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, ValidationError

from generator.builds.session import BuildSession
from generator.recipes.job import BuildJob
from generator.reports.models import NO_COVERAGE, Coverage, Covered
from generator.sandboxes.contract import SandboxError
from generator.sandboxes.layout import COVERAGE_SUMMARY
from generator.strict import Loose

# The summary of 10,000 files has 7 MiB. Reading a hostile one of this size takes 200 MiB of memory.
MAX_SUMMARY: Final = 8 * 1024 * 1024
NOTHING: Final = (
    "cargo-llvm-cov reported nothing; it measures only Rust code that Cargo built for the tests: see the log"
)

Count = Annotated[int, Field(ge=0, le=1_000_000_000, strict=True)]


class _Counts(Loose):
    count: Count
    covered: Count


class _Totals(Loose):
    lines: _Counts
    functions: _Counts
    regions: _Counts


class _Measured(Loose):
    totals: _Totals


class _Summary(Loose):
    """The output of `llvm-cov export`: https://llvm.org/docs/CommandGuide/llvm-cov.html#llvm-cov-export."""

    data: tuple[_Measured]


def read_summary(text: bytes) -> Coverage | None:
    """Return the coverage in a summary, or None if it is invalid; percentages are computed here."""
    try:
        totals = _Summary.model_validate_json(text).data[0].totals
    except ValidationError:
        return None
    counts = {"lines": totals.lines, "functions": totals.functions, "regions": totals.regions}
    if any(each.count == 0 or each.covered > each.count for each in counts.values()):
        return None
    return Coverage(**{name: _covered(each) for name, each in counts.items()})


def _covered(counts: _Counts) -> Covered:
    """Round the percentage down: 100 % means all."""
    return Covered(count=counts.count, covered=counts.covered, percent=counts.covered * 10_000 // counts.count / 100)


def record_coverage(session: BuildSession, job: BuildJob) -> None:
    """Record the coverage of the tests, or a note on the reason why there is none; neither fails the crate."""
    if not job.settings.coverage:
        return
    reason = job.toolchain.no_coverage
    try:
        summary = session.read(COVERAGE_SUMMARY, MAX_SUMMARY) if job.measures_coverage else None
    except SandboxError as error:
        if error.failure_class != "permanent":
            raise
        summary, reason = None, str(error)
    if coverage := read_summary(summary) if summary else None:
        session.record.add_coverage(coverage)
    else:
        session.note(f"{NO_COVERAGE}{reason or NOTHING}")
