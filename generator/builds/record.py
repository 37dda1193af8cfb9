"""The record of an attempt: append-only, so that partial results survive a failure."""

from __future__ import annotations

from generator.platforms import PlatformName
from generator.reports.models import Coverage, Phase, PhaseName, TestState, Unit, UnitTests
from generator.sandboxes.contract import Usage


class AttemptRecord:
    """An append-only record of an attempt: phases, units, tests, coverage, notes and sandbox usages.

    Steps add to it and never read it. A platform's last unit and its last tests count.
    """

    def __init__(self) -> None:
        self._entered: list[PhaseName] = []
        self._phases: list[Phase] = []
        self._units: list[Unit] = []
        self._tests: list[tuple[PlatformName, UnitTests]] = []
        self._coverage: list[Coverage] = []
        self._notes: list[str] = []
        self._usages: list[Usage] = []

    def enter(self, phase: PhaseName) -> None:
        """Add that the attempt entered a phase."""
        self._entered.append(phase)

    def add_phase(self, phase: Phase) -> None:
        """Add a command's phase."""
        self._phases.append(phase)

    def add_unit(self, unit: Unit) -> None:
        """Add a new state of a unit."""
        self._units.append(unit)

    def add_tests(self, platform: PlatformName, tests: UnitTests) -> None:
        """Add the state of a platform's tests, also for a host that is not among the units."""
        self._tests.append((platform, tests))

    def add_coverage(self, coverage: Coverage) -> None:
        """Add the coverage of the tests."""
        self._coverage.append(coverage)

    def add_note(self, note: str) -> None:
        """Add a note for the report."""
        self._notes.append(note)

    def add_usage(self, usage: Usage) -> None:
        """Add the usage of a sandbox, the attempt's own or one of the tool cache."""
        self._usages.append(usage)

    @property
    def phase(self) -> PhaseName:
        """The current phase."""
        return self._entered[-1] if self._entered else "open"

    @property
    def phases(self) -> tuple[Phase, ...]:
        """All phases; consecutive commands of one phase are one, except for the platforms of `compile`."""
        merged: list[Phase] = []
        for phase in self._phases:
            if merged and merged[-1].name == phase.name and phase.name != "compile":
                phase = _merged(merged.pop(), phase)  # noqa: PLW2901
            merged.append(phase)
        return tuple(merged)

    @property
    def units(self) -> dict[PlatformName, Unit]:
        """The units by platform, in the order of their first record, each with its tests."""
        tests = dict(self._tests)
        units = {unit.platform: unit for unit in self._units}
        return {
            name: unit.model_copy(update={"tests": tests[name]}) if name in tests else unit
            for name, unit in units.items()
        }

    def tests(self, host: PlatformName) -> TestState:
        """Return the state of the crate's tests: that of the host, or failed when they failed on any platform.

        A crate without tests for the host has passed if those for another platform have.
        """
        tests = dict(self._tests)
        states = {each.state for each in tests.values()}
        if "failed" in states:
            return "failed"
        if "passed" in states and host in tests and tests[host].state == "none":
            return "passed"
        return tests[host].state if host in tests else "not_run"

    @property
    def coverage(self) -> Coverage | None:
        """The coverage of the tests, None if it was not measured."""
        return self._coverage[-1] if self._coverage else None

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes in their order."""
        return tuple(self._notes)

    @property
    def usages(self) -> tuple[Usage, ...]:
        """The usage of each sandbox, the attempt's own last."""
        return tuple(self._usages)


def _merged(first: Phase, second: Phase) -> Phase:
    """Return two phases as one: the seconds of both, the exit code of the last."""
    seconds, peak = round(first.seconds + second.seconds, 3), max(first.peak_memory, second.peak_memory)
    return second.model_copy(update={"seconds": seconds, "peak_memory": peak})
