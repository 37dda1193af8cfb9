"""The upload of what builds have left, after their end: all packages, and the records of the shards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from generator.github_api.retry import RateLimit, Retry, upload_interval
from generator.releases.expected_assets import Decision
from generator.releases.protocol import Releases
from generator.releases.records import record_beside, upload_record
from generator.releases.uploading import Package, check_commit, list_assets, open_draft, upload_package
from generator.reports.models import Report

_ACTIONS: Final[dict[Decision, str]] = {"upload": "uploaded", "skip": "already uploaded:", "replace": "replaced"}


def upload(
    releases: Releases,
    number: int,
    packages: Sequence[Package],
    shards: int,
    writes_a_minute: int,
    retry: Retry,
    reports: Sequence[tuple[Path, Report]] = (),
    commit: str | None = None,
) -> Counter[Decision]:
    """Upload the packages to the draft and count the decisions; `shards` processes upload at the same time.

    The records of what the reports say was built come first. So each package counts for a later job as soon as it is on
    the draft, also when this job does not end. A crate in a record whose packages are not there is built again.
    InputError if the packages are of another commit than the draft.
    """
    release = open_draft(releases, number, retry)
    check_commit(release, commit)
    assets = list_assets(releases, release, retry)
    rate_limit = RateLimit(upload_interval(shards, len(reports) + len(packages), writes_a_minute), retry.sleep)
    for directory, report in reports:
        if record := record_beside(releases, report, assets, retry):
            assets = upload_record(releases, release, record, assets, directory, rate_limit, retry)
    counts: Counter[Decision] = Counter()
    for count, package in enumerate(packages, 1):
        made, _ = upload_package(releases, release, package, assets, rate_limit, retry)
        counts[made] += 1
        retry.note(f"{_ACTIONS[made]} {package.file.file}, {package.file.bytes:,} bytes ({count} of {len(packages)})")
    return counts
