"""Crates in quarantine in a report: whether they block, and the words for people."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from generator.commands.results import raise_failed
from generator.errors import BuildFailed
from generator.github_actions.links import RunLinks
from generator.manifest.crate_models import Crate, Quarantine
from generator.manifest.fleet_models import Fleet
from generator.manifest.models import Manifest
from generator.manifest.source_models import RegistrySource
from generator.reports.annotations import quarantined_crates, worst_failures
from generator.reports.markdown import page
from generator.reports.models import CrateReport, Failure, Phase, QuarantineReport, Report
from generator.reports.quarantines import with_quarantines
from generator.reports.table import report_notes, rows, summary

FAILURE = Failure(failure_class="permanent", phase="compile", message="mismatched types", file="src/lib.rs", line=7)
REASON = "its author is away"
HOLDS = QuarantineReport(reason=REASON, until="2026-12-31", state="holds")
ENDED = QuarantineReport(reason=REASON, until="2026-11-27", state="ended")


def crate(name: str, **more: Any) -> CrateReport:
    return CrateReport(name=name, version="1.0.0", kind="lib", **{"state": "built", **more})


def failed(name: str, quarantine: QuarantineReport | None = None) -> CrateReport:
    phases = (Phase(name="compile", seconds=1, exit_code=101),)
    return crate(name, state="failed", failure=FAILURE, quarantine=quarantine, phases=phases)


def report(*crates: CrateReport, shard: str | None = None) -> Report:
    return Report(backend="local", isolated=True, seconds=3, shard=shard, crates=crates)


def error_of(*crates: CrateReport, shard: str | None = None) -> BuildFailed | None:
    try:
        raise_failed(report(*crates, shard=shard), lambda name: f"read {name}.log")
    except BuildFailed as error:
        return error
    return None


def declared(**crates: str) -> Manifest:
    """Return a manifest with the last days of these crates' quarantines; "" for none."""
    found = tuple(
        Crate(
            name=name,
            version="1.0.0",
            kind="lib",
            source=RegistrySource(registry=name, version="1.0.0"),
            quarantine=Quarantine(reason=REASON, until=until) if until else None,
        )
        for name, until in crates.items()
    )
    return Manifest(schema_version=1, fleet=Fleet(npm_scope="@x"), crates=found)


@pytest.mark.attack("a release is without a crate only if its manifest says so")
def test_the_manifest_and_the_day_decide_and_not_what_a_report_says() -> None:
    before = report(failed("one"), failed("two", HOLDS), failed("three", HOLDS), failed("four", HOLDS))
    manifest = declared(one="2026-11-28", two="2026-11-27", three="")
    after = with_quarantines(before, manifest, date(2026, 11, 28))
    states = [each.quarantine and (each.quarantine.until, each.quarantine.state) for each in after.crates]
    assert states == [("2026-11-28", "holds"), ("2026-11-27", "ended"), None, None]
    assert [each.failed_in_quarantine for each in after.crates] == [True, False, False, False]


def test_the_table_and_the_summary_say_until_when_and_why() -> None:
    found = report(crate("good"), failed("bad"), failed("held", HOLDS), failed("late", ENDED))
    assert summary(found) == "4 crates: 1 built, 2 failed, 1 failed in quarantine in 3 s"
    assert {row[0]: row[-1] for row in rows(found) if row[2] == "failed"} == {
        "bad": "src/lib.rs:7: mismatched types",
        "held": "in quarantine until 2026-12-31: its author is away; src/lib.rs:7: mismatched types",
        "late": "its quarantine ended on 2026-11-27; src/lib.rs:7: mismatched types",
    }
    assert "in quarantine until 2026-12-31\\: its author is away; src/lib.rs\\:7\\: mismatched types" in page(
        found, RunLinks(), ()
    )


@pytest.mark.parametrize("quarantine", [HOLDS, ENDED])
def test_a_crate_that_builds_again_is_named(quarantine: QuarantineReport) -> None:
    found = report(crate("good"), crate("again", quarantine=quarantine))
    assert report_notes(found) == ["note on again: it builds again: remove its quarantine"]
    (warning,) = quarantined_crates(found)
    assert (warning.title, warning.message) == (
        "Built in spite of a quarantine",
        "again: it builds again: remove its quarantine",
    )
    assert error_of(*found.crates) is None


def test_a_skipped_crate_and_one_that_was_not_run_say_nothing_of_a_quarantine() -> None:
    found = report(crate("one", state="skipped", quarantine=HOLDS), crate("two", state="not_run", quarantine=HOLDS))
    assert [row[-1] for row in rows(found)] == ["", ""]
    assert (report_notes(found), quarantined_crates(found)) == ([], [])


def test_a_failure_in_quarantine_is_a_warning_and_after_it_an_error() -> None:
    found = report(failed("held", HOLDS), failed("late", ENDED))
    (error,) = worst_failures(found)
    assert (error.level, error.title) == ("error", "late failed (permanent; its quarantine ended on 2026-11-27)")
    (warning,) = quarantined_crates(found)
    assert (warning.level, warning.title) == ("warning", "1 crate failed in quarantine")
    assert warning.message == (
        "held: in quarantine until 2026-12-31: its author is away: src/lib.rs:7: mismatched types"
    )


def test_only_a_quarantine_that_holds_keeps_a_failure_from_failing_the_run() -> None:
    assert error_of(crate("good"), failed("held", HOLDS)) is None
    error = error_of(crate("good"), failed("held", HOLDS), failed("late", ENDED), failed("bad"))
    assert error is not None
    assert error.problems == ("late failed, and its quarantine ended on 2026-11-27",)
    assert (error.message, error.fix) == ("2 of 4 crates failed", "read late.log")


def test_a_run_that_built_nothing_is_no_success_but_a_shard_is_only_a_part_of_one() -> None:
    error = error_of(failed("held", HOLDS), crate("other", state="skipped"))
    assert error is not None
    assert (error.message, error.fix) == ("no crate was built; 1 of 2 crates failed in quarantine", "read held.log")
    assert error_of(failed("held", HOLDS), shard="3/30") is None
    assert error_of(crate("other", state="skipped")) is None
