"""What a crate's tests covered, from the summary that they left: as hostile as all that comes out of a sandbox."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, ValidationError

from generator.builds.session import BuildSession
from generator.reports.models import NO_COVERAGE, Coverage, Covered
from generator.sandboxes.contract import SandboxError
from generator.sandboxes.layout import COVERAGE_SUMMARY
from generator.strict import Loose

# That of 10,000 files has 7 MiB. A hostile one of this size takes 200 MiB of memory to read.
MAX_SUMMARY: Final = 8 * 1024 * 1024
NOTHING: Final = (
    "cargo-llvm-cov reported nothing, as when tests run no Rust code that Cargo built for them; the log has its words"
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
    """What `llvm-cov export` writes: https://llvm.org/docs/CommandGuide/llvm-cov.html#llvm-cov-export."""

    data: tuple[_Measured]


def read_summary(text: bytes) -> Coverage | None:
    """Return what a summary says, or None where it says nothing that can be: percentages are our own."""
    try:
        totals = _Summary.model_validate_json(text).data[0].totals
    except ValidationError:
        return None
    parts = {"lines": totals.lines, "functions": totals.functions, "regions": totals.regions}
    if any(each.count == 0 or each.covered > each.count for each in parts.values()):
        return None
    return Coverage(**{name: _covered(each) for name, each in parts.items()})


def _covered(counts: _Counts) -> Covered:
    """Round down, so that 100 % is all."""
    return Covered(count=counts.count, covered=counts.covered, percent=counts.covered * 10_000 // counts.count / 100)


def take_coverage(session: BuildSession) -> None:
    """Take note of what the tests covered, or of why that is not known, which fails no crate."""
    settings, lack = session.build.settings, session.job.toolchain.no_coverage
    if not settings.coverage:
        return
    try:
        summary = session.read(COVERAGE_SUMMARY, MAX_SUMMARY) if session.job.measures_coverage else None
    except SandboxError as error:
        if error.failure_class != "permanent":
            raise
        summary, lack = None, str(error)
    session.result.coverage = read_summary(summary) if summary else None
    if session.result.coverage is None:
        note = f"{NO_COVERAGE}{lack or NOTHING}"
        session.result.notes += (note,)
        session.log.line(f"note: {note}")
