"""The observer of a build."""

from __future__ import annotations

from typing import Protocol

from generator.reports.models import CrateReport, PhaseName


class Observer(Protocol):
    """Shows the progress of a run to a person; called from many threads at once."""

    def line(self, crate: str, text: str) -> None:
        """Show one line of a crate's output, without control characters."""

    def phase(self, crate: str, phase: PhaseName) -> None:
        """Show that a crate entered a phase."""

    def finished(self, report: CrateReport) -> None:
        """Show the report of a finished crate."""
