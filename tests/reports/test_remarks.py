"""Notes of a report: tests on other platforms, skipped platforms, and missing coverage."""

from __future__ import annotations

from typing import Any

from generator.platforms import PlatformName
from generator.reports.models import CrateReport, Report, State, Unit, UnitTests
from generator.reports.table import report_notes

LOST = "no coverage: llvm-cov is not installed: run this"


def unit(platform: PlatformName, tests: UnitTests, state: State = "built") -> Unit:
    return Unit(platform=platform, state=state, tests=tests)


def crate(name: str, *units: Unit, **more: Any) -> CrateReport:
    return CrateReport(name=name, version="1.0.0", kind="lib", **{"state": "built", "units": units, **more})


def notes_of(*crates: CrateReport) -> list[str]:
    return report_notes(Report(backend="local", isolated=True, seconds=1, crates=crates))


def test_crates_are_counted_for_each_platform_with_passed_or_missing_tests() -> None:
    units = (
        unit("linux-x64-gnu", UnitTests(state="passed")),
        unit("linux-arm64-gnu", UnitTests(state="passed", by="qemu 9")),
        unit("darwin-x64", UnitTests(reason="nothing runs it")),
        unit("win32-x64-msvc", UnitTests(), "skipped"),
    )
    assert notes_of(crate("one", *units), crate("two", *units)) == [
        "tests also passed on (number of crates): linux-arm64-gnu by qemu 9 (2)",
        "tests not run on (number of crates): darwin-x64 (2); the report has the reasons",
        "not built (number of crates): win32-x64-msvc (2); the report has the reasons",
    ]


def test_tests_that_are_off_get_no_note() -> None:
    assert notes_of(crate("one", unit("linux-arm64-gnu", UnitTests(state="off", reason="foreign_tests is off")))) == []


def test_missing_coverage_is_one_note_for_all_crates() -> None:
    assert notes_of(crate("one", notes=(LOST,)), crate("two", notes=(LOST, "other"))) == [f"2 crates with {LOST}"]


def test_a_failed_crate_has_only_its_own_notes() -> None:
    units = (unit("darwin-x64", UnitTests(reason="nothing runs it")),)
    assert notes_of(crate("one", *units, state="failed", notes=("why",))) == ["note on one: why"]
