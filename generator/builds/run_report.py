"""The report of a run, written again after each crate that was built: a killed run leaves what it has finished."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from generator.builds.context import BuildContext, CrateBuild
from generator.builds.earlier import code_digest
from generator.builds.reporting import stopped_report
from generator.builds.selection import Selection
from generator.errors import InputError
from generator.github_actions.step_files import github_run_attempt, github_run_id
from generator.manifest.models import Manifest
from generator.planning.git_history import CheckedOut
from generator.planning.prediction import Prediction
from generator.reports.models import CrateReport, Report
from generator.reports.predictions import remembered, with_times
from generator.reports.quarantines import with_quarantines


@dataclass(frozen=True)
class RunReport:
    """The report of a run in its output directory; crates are added from many threads at once.

    `now` is the time of the run's start in UTC, whose day decides the state of quarantines. `predictions` are those of
    all crates of the manifest.
    """

    manifest: Manifest
    selection: Selection
    checkout: CheckedOut
    now: datetime
    predictions: tuple[Prediction, ...]
    context: BuildContext
    builds: Sequence[CrateBuild]
    _finished: dict[str, CrateReport] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, report: CrateReport) -> None:
        """Add a finished crate, and write the report that an interruption would leave now.

        A reused crate is reused again by the next run, so the report is not written for it alone. A report that cannot
        be written stops no build: the one at the end says why.
        """
        with self._lock:
            self._finished[report.name] = report
            if report.attempts:
                with suppress(InputError):
                    self.write(interrupted=True)

    def write(self, *, interrupted: bool) -> Report:
        """Write the report and return it; crates that are not finished count as stopped."""
        reports = [self._finished.get(build.crate.name) or _unfinished(build) for build in self.builds]
        report = with_quarantines(self._report(reports, interrupted=interrupted), self.manifest, self.now.date())
        text = self.context.redactor.in_json(report.model_dump_json(indent=2))
        self.context.out.write(self.selection.report_name, f"{text}\n".encode())
        return report

    def _report(self, finished: Sequence[CrateReport], *, interrupted: bool) -> Report:
        environment, variables = self.context.environment, self.context.variables
        predicted = {each.crate: each for each in self.predictions}
        reports = [with_times(each, predicted.get(each.name), environment.backend.name) for each in finished]
        built = [report for report in reports if report.attempts]  # others were paid for by an earlier run
        is_shard = self.selection.shard is not None
        return Report(
            backend=environment.backend.name,
            isolated=environment.isolated,
            shard=self.selection.shard,
            run_attempt=github_run_attempt(variables),
            interrupted=interrupted,
            started=round(self.now.timestamp(), 3),
            seconds=round(time.monotonic() - self.context.started, 3),
            run=environment.run or github_run_id(variables),
            cost=round(sum(report.cost for report in built), 6),
            retry_cost=round(sum(report.retry_cost for report in built), 6),
            currency=environment.prices.currency if environment.prices else None,
            prices_of=environment.prices.date if environment.prices else None,
            estimated_cost=_estimated_cost(self.builds, reports),
            commit=self.checkout.commit,
            modified=self.checkout.modified,
            code=code_digest(),
            crates=tuple(sorted(reports, key=lambda report: report.name)),
            remembered=() if is_shard else remembered(self.predictions, self.selection.names),
        )


def _unfinished(build: CrateBuild) -> CrateReport:
    return stopped_report(build, build.settings.platforms)


def _estimated_cost(builds: Iterable[CrateBuild], reports: Sequence[CrateReport]) -> float | None:
    """Return the likely cost of the crates that had a sandbox in this run; None where sandboxes are free."""
    built = {report.name for report in reports if report.attempts and report.sandboxes}
    likely = [build.likely_cost() for build in builds if build.crate.name in built]
    return round(math.fsum(likely), 6) if likely and any(likely) else None
