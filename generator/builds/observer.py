"""Whom a build tells what happens."""

from __future__ import annotations

from typing import Protocol

from generator.reports.models import CrateReport, PhaseName


class Observer(Protocol):
    """Whoever shows the run to a person; called from many threads at once."""

    def line(self, crate: str, text: str) -> None:
        """Take one line of a crate's output, without control characters."""

    def phase(self, crate: str, phase: PhaseName) -> None:
        """Take note that a crate entered a phase."""

    def finished(self, report: CrateReport) -> None:
        """Take note of what became of a crate."""
