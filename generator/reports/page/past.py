"""Earlier runs, from the fleet index of a release or from a report, to show trends and changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from generator.errors import InputError
from generator.reports.index import FleetIndex, IndexedCrate, read_index
from generator.reports.merging import MAX_REPORT, read_report
from generator.reports.models import CrateReport, Report
from generator.strict import Loose


@dataclass(frozen=True)
class Past:
    """An earlier run: its label, and the seconds and the bytes of packages of each crate that it built."""

    label: str
    seconds: Mapping[str, float]
    sizes: Mapping[str, int]


class _Kind(Loose):
    index_version: int | None = None


def load_past(path: Path) -> Past:
    """Return the run of a fleet.json or a report.json; InputError for anything else."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_REPORT + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    try:
        is_index = _Kind.model_validate_json(content).index_version is not None
    except ValueError:
        raise InputError(
            f"{path} is neither a fleet index nor a report", fix="give a fleet.json or a report.json"
        ) from None
    return of_index(read_index(content, str(path))) if is_index else of_report(read_report(content, path))


def of_report(report: Report) -> Past:
    """Return the run of a report; its label is the minute in UTC at which it began."""
    began = (
        "the run before" if report.started is None else f"{datetime.fromtimestamp(report.started, UTC):%Y-%m-%d %H:%M}"
    )
    seconds = {crate.name: crate.seconds for crate in report.crates if crate.state == "built" and crate.attempts}
    return Past(began, seconds, _sizes(report.crates))


def of_index(index: FleetIndex) -> Past:
    """Return the run of a release; its label is the tag. Seconds are those of all phases together."""
    seconds = {crate.name: sum(crate.phases.values()) for crate in index.crates if crate.state == "built"}
    return Past(index.tag, seconds, _sizes(index.crates))


def _sizes(crates: tuple[CrateReport, ...] | tuple[IndexedCrate, ...]) -> dict[str, int]:
    return {crate.name: sum(file.bytes for file in crate.packages) for crate in crates if crate.packages}
