"""The record of an attempt: merged phases, the last state of units, and tests of the host and of other platforms."""

from __future__ import annotations

from generator.builds.record import AttemptRecord
from generator.reports.models import Phase, Unit, UnitTests


def test_consecutive_commands_of_one_phase_are_one_except_for_platforms() -> None:
    record = AttemptRecord()
    for phase in (
        Phase(name="fetch", seconds=1.5, exit_code=0, peak_memory=7),
        Phase(name="fetch", seconds=0.5, exit_code=1, peak_memory=5),
        Phase(name="compile", seconds=3, exit_code=0),
        Phase(name="compile", seconds=4, exit_code=0),
    ):
        record.add_phase(phase)
    assert record.phases == (
        Phase(name="fetch", seconds=2, exit_code=1, peak_memory=7),
        Phase(name="compile", seconds=3, exit_code=0),
        Phase(name="compile", seconds=4, exit_code=0),
    )


def test_the_last_state_of_a_unit_counts_and_has_its_tests() -> None:
    record = AttemptRecord()
    record.add_unit(Unit(platform="linux-x64-gnu", state="built"))
    record.add_unit(Unit(platform="darwin-x64", state="built"))
    record.add_tests("linux-x64-gnu", UnitTests(state="passed"))
    record.add_unit(Unit(platform="linux-x64-gnu", state="failed", reason="a violation"))
    units = record.units
    assert list(units) == ["linux-x64-gnu", "darwin-x64"]
    assert (units["linux-x64-gnu"].state, units["linux-x64-gnu"].tests.state) == ("failed", "passed")
    assert units["darwin-x64"].tests == UnitTests()


def test_the_crates_tests_are_those_of_the_host_unless_others_failed() -> None:
    record = AttemptRecord()
    assert record.tests("linux-x64-gnu") == "not_run"
    record.add_tests("linux-x64-gnu", UnitTests(state="passed"))
    record.add_tests("linux-arm64-gnu", UnitTests(reason="tests of an earlier platform failed"))
    assert record.tests("linux-x64-gnu") == "passed"
    record.add_tests("linux-arm64-gnu", UnitTests(state="failed"))
    assert record.tests("linux-x64-gnu") == "failed"
    assert record.units == {}
