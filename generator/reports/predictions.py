"""Predicted against actual times: of the crates, the shards and the fleet of a report."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from generator.manifest.values import BackendName
from generator.planning.measurements import Remembered, last_measurements, measured
from generator.planning.prediction import Prediction
from generator.reports.models import CrateReport, Report, ShardTimes
from generator.text import counted, duration

COLUMNS = ("times", "predicted", "actual", "off by")


@dataclass(frozen=True)
class Comparison:
    """The predicted and the actual seconds of something that was built."""

    name: str
    predicted: float
    actual: float

    @property
    def error(self) -> float:
        """The error of the prediction in percent of the actual time; below 0 for a prediction that was too short."""
        return (self.predicted - self.actual) / self.actual * 100

    @property
    def words(self) -> tuple[str, str, str]:
        """Both times, and the error."""
        return duration(self.predicted), duration(self.actual), f"{self.error:+.1f} %"


def with_times(report: CrateReport, prediction: Prediction | None, backend: BackendName) -> CrateReport:
    """Add the predicted time and the measurements to the report of a crate after its run.

    A build that succeeded is measured. A failure says little about the time of a build, and a crate that was not
    built again has none. The plan predicted no time for a crate that it took for unchanged.
    """
    before = (prediction.measurements if prediction else ()) or report.measurements
    if not report.attempts:
        return report.model_copy(update={"measurements": before})
    predicted = round(prediction.minutes * 60, 3) if prediction and not prediction.unchanged_since else None
    if report.state == "built" and report.sandboxes:
        before = (*before, measured(report.seconds, report.sandboxes[0].size, backend, report.peak_memory))
    return report.model_copy(update={"predicted_seconds": predicted, "measurements": last_measurements(before)})


def remembered(predictions: Iterable[Prediction], built: Collection[str]) -> tuple[Remembered, ...]:
    """Return the measured crates of the fleet that are not among those of a run, so that no run forgets them."""
    return tuple(
        Remembered(name=each.crate, measurements=each.measurements)
        for each in predictions
        if each.measurements and each.crate not in built
    )


def shard_times(report: Report) -> ShardTimes | None:
    """Return the times of a shard's report, None if it built no crate with a prediction."""
    total = _total("", report.crates)
    if report.shard is None or total is None:
        return None
    return ShardTimes(shard=report.shard, predicted_seconds=total.predicted, seconds=total.actual)


def crate_times(crate: CrateReport) -> Comparison | None:
    """Return the times of one crate, None unless it was built and has a prediction."""
    return _total(crate.name, (crate,))


def comparisons(report: Report) -> list[Comparison]:
    """Return the times of each shard, of the longest one, and of all crates together, as far as they are known.

    The longest predicted shard and the longest actual one may be different shards: both are the time of the fleet.
    """
    found = [Comparison(f"shard {each.shard}", each.predicted_seconds, each.seconds) for each in report.shards]
    if found:
        longest = max(each.predicted for each in found), max(each.actual for each in found)
        found.append(Comparison("longest shard", *longest))
    total = _total("all crates" if report.shard is None else f"shard {report.shard}", report.crates)
    return [*found, total] if total else found


def rows(report: Report) -> list[tuple[str, ...]]:
    """Return one row for each comparison."""
    return [(each.name, *each.words) for each in comparisons(report)]


def times_line(report: Report) -> str | None:
    """Return predicted against actual for the whole report on one line, None if nothing with a prediction was built."""
    whole = comparisons(report)[len(report.shards) :]
    if not whole:
        return None
    parts = ("{}: predicted {}, actual {}".format(each.name, *each.words) for each in whole)
    return f"{'; '.join(parts)} ({counted(len(_compared(report.crates)), 'built crate')})"


def _compared(crates: Iterable[CrateReport]) -> list[CrateReport]:
    return [each for each in crates if each.state == "built" and each.attempts and each.predicted_seconds is not None]


def _total(name: str, crates: Iterable[CrateReport]) -> Comparison | None:
    compared = _compared(crates)
    predicted = math.fsum(each.predicted_seconds or 0 for each in compared)
    actual = math.fsum(each.seconds for each in compared)
    return Comparison(name, round(predicted, 3), round(actual, 3)) if actual > 0 else None
