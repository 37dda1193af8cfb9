"""Uploads while a shard is being built: what it has finished is on the draft when its runner is lost."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from generator.errors import InputError, Unavailable
from generator.files.output import open_output
from generator.github_api.retry import WRITES_AN_HOUR, RateLimit, Retry, upload_interval
from generator.releases.protocol import Asset, Release, Releases
from generator.releases.records import record_of, record_on_draft, upload_record
from generator.releases.uploading import check_commit, list_assets, open_draft, packages_of, upload_package
from generator.reports.memory import report_name
from generator.reports.merging import MAX_REPORT, read_report
from generator.reports.models import CrateReport, Report

POLL: Final = 2.0
"""Seconds between two looks at the report of the build."""
PAUSE: Final = 60.0
"""Seconds until the next try after GitHub could not be reached, or may be asked no more."""
OTHER_REQUESTS: Final = 10
"""Requests of a shard that are left to later steps beside those for packages: draft, assets, record, publication."""


@dataclass
class RunningBuild:
    """The report of a shard that `build` writes again after each crate, below `out`.

    A report of another run or attempt is as none.
    """

    out: Path
    shard: str
    run: str
    attempt: int
    _content: bytes = b""
    _report: Report | None = None

    def read(self) -> Report | None:
        """Return the report of now, None before the first crate is finished."""
        name = report_name(self.shard)
        with open_output(self.out) as results:
            content = results.read(name, MAX_REPORT) or b""
        if content != self._content:
            self._content, self._report = content, None
            with suppress(InputError):
                self._report = self._checked(read_report(content, self.out / name))
        return self._report

    def _checked(self, report: Report) -> Report | None:
        is_own = (report.run, report.run_attempt) == (self.run, self.attempt)
        return report if is_own and report.shard == self.shard else None


def reserved_requests(shards: int, packages: int) -> int:
    """Return the requests of an hour that are left to the uploads after the builds, of so many packages per shard."""
    return min(shards * packages, WRITES_AN_HOUR) + shards * OTHER_REQUESTS


@dataclass
class EarlyUpload:
    """The uploads of a shard that is being built; `shards` of these run at the same time.

    It waits while GitHub is unavailable, and ends with any other error. The upload after the build repeats what is
    missing.
    """

    releases: Releases
    number: int
    build: RunningBuild
    shards: int
    writes_a_minute: int
    retry: Retry
    uploaded: set[str] = field(default_factory=set)
    _failures: Counter[str] = field(default_factory=Counter)
    _draft: _Draft | None = None
    _rate_limit: RateLimit | None = None

    def run(self) -> None:
        """Upload each crate that is finished, until the report of the build is complete."""
        report = self.build.read()
        while report is None or report.interrupted:
            crate = self._next(report) if report else None
            self.retry.sleep(self._upload(report, crate) if report and crate else POLL)
            report = self.build.read()

    def _next(self, report: Report) -> CrateReport | None:
        record = record_of(report)
        crates = record.crates if record else ()
        waiting = (crate for crate in crates if crate.name not in self.uploaded)
        return min(waiting, key=lambda crate: self._failures[crate.name], default=None)

    def _upload(self, report: Report, crate: CrateReport) -> float:
        """Upload a crate, and return the seconds until the next one may follow."""
        try:
            if not self._may_ask(report):
                self.retry.note("GitHub allows few more requests in this hour, which the upload after the build needs")
                return PAUSE
            self._draft = self._draft or _open(self.releases, self.number, report, self.retry)
            self._send(self._draft, report, crate)
        except Unavailable as error:
            self.retry.note(f"{error.message}; the build goes on, and so do the uploads after {PAUSE:.0f} s")
            self._draft = None
            self._failures[crate.name] += 1
            return PAUSE
        return 0.0

    def _may_ask(self, report: Report) -> bool:
        """Return False when the uploads after the builds need the requests that GitHub allows in this hour."""
        left = self.retry.call(self.releases.requests_left, "asking for the rate limit")
        waiting = sum(crate.name not in self.uploaded for crate in report.crates)
        return left is None or left > reserved_requests(self.shards, waiting * _packages(report))

    def _send(self, draft: _Draft, report: Report, crate: CrateReport) -> None:
        """Upload the record, as `complete_upload` does it first, and then the packages of a crate that it has."""
        rate_limit = self._rate_limit or self._limit(report)
        self._rate_limit = rate_limit
        if record := record_of(report, draft.record):
            draft.assets = upload_record(
                self.releases, draft.release, record, draft.assets, self.build.out, rate_limit, self.retry
            )
        alone = report.model_copy(update={"crates": (crate,)})
        for package in packages_of([(self.build.out, alone)], self.build.out):
            upload_package(self.releases, draft.release, package, draft.assets, rate_limit, self.retry)
        self.uploaded.add(crate.name)
        self.retry.note(f"{crate.name} is on the draft ({len(self.uploaded)} of {len(report.crates)})")

    def _limit(self, report: Report) -> RateLimit:
        """Return the limit for as many packages of each crate as those that are built have, and a record for each."""
        uploads = len(report.crates) * (_packages(report) + 1)
        return RateLimit(upload_interval(self.shards, uploads, self.writes_a_minute), self.retry.sleep)


@dataclass
class _Draft:
    """A draft, its assets as far as they are known, and the record of the shard that it had at first."""

    release: Release
    assets: tuple[Asset, ...]
    record: Report | None


def _open(releases: Releases, number: int, report: Report, retry: Retry) -> _Draft:
    release = open_draft(releases, number, retry)
    check_commit(release, report.commit)
    assets = list_assets(releases, release, retry)
    return _Draft(release, assets, record_on_draft(releases, report.shard or "", assets, retry))


def _packages(report: Report) -> int:
    return max(len(crate.packages) for crate in report.crates)
