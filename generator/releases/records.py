"""Records on a draft: the crates of a shard that were built, so that a repeated job does not build them again.

The name of a record has its digest, so a draft never lacks one: the new record is there before the old one goes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from generator.errors import InputError
from generator.files.directory import Directory
from generator.files.output import open_output
from generator.github_api.retry import RateLimit, Retry
from generator.releases.downloads import download_small
from generator.releases.protocol import Asset, Release, Releases
from generator.releases.taking import take_package
from generator.releases.uploading import Package, list_assets, open_draft, upload_package
from generator.reports.memory import report_name
from generator.reports.merging import read_report
from generator.reports.models import Artifact, CrateReport, Report

MAX_RECORD: Final = 16 * 1024 * 1024
"""Largest record in bytes; the part of one crate has a few thousand."""

_RECORD: Final = re.compile(r"record-([1-9]\d*-of-[1-9]\d*)-[0-9a-f]{12}\.json")
# The parts of a report that differ between two reports of the same crates.
_OF_THE_RUN: Final = {"seconds": 0.0, "cost": 0.0, "retry_cost": 0.0, "estimated_cost": None, "interrupted": False}


def is_record(asset: Asset) -> bool:
    """Return True for the record of a shard; the name of a package ends with .tgz."""
    return _RECORD.fullmatch(asset.name) is not None


def record_of(report: Report, earlier: Report | None = None) -> Report | None:
    """Return the record of a shard from its report; None for a report without one.

    `earlier` is the record on the draft. Its crates stay, except those that the report has as built: a job that is
    stopped early must not forget what an earlier attempt has built. Crates built on the machine itself have no record,
    because their jobs may not read a draft.
    """
    own = {crate.name: crate for crate in report.crates if _is_recorded(crate)}
    if report.shard is None or report.backend != "e2b" or not own:
        return None
    before = {crate.name: crate for crate in (earlier.crates if earlier and earlier.code == report.code else ())}
    crates = tuple(crate for _, crate in sorted({**before, **own}.items()))
    return report.model_copy(update={**_OF_THE_RUN, "crates": crates, "remembered": ()})


def record_beside(releases: Releases, report: Report, assets: Iterable[Asset], retry: Retry) -> Report | None:
    """Return the record of a shard from its report and the record on the draft; None for a report without one."""
    own = record_of(report)
    if own is None or own.shard is None or _package(own, Path()).file.file in {asset.name for asset in assets}:
        return own
    return record_of(report, record_on_draft(releases, own.shard, assets, retry))


def record_on_draft(releases: Releases, shard: str, assets: Iterable[Asset], retry: Retry) -> Report | None:
    """Return the newest record of a shard that can be read, or None."""
    for asset in sorted(_records_of(shard, assets), key=lambda asset: asset.id, reverse=True):
        try:
            return _read(releases, asset, shard, retry)
        except InputError as error:
            retry.note(f"nothing is taken from {asset.name} on the draft: {error.message}")
    return None


def upload_record(
    releases: Releases,
    release: Release,
    record: Report,
    assets: Iterable[Asset],
    directory: Path,
    rate_limit: RateLimit,
    retry: Retry,
) -> tuple[Asset, ...]:
    """Upload the record of a shard, then remove those before, and return the assets that the draft has then."""
    package = _package(record, directory)
    with open_output(directory) as results:
        results.write(package.path.name, _content(record))
    _, new = upload_package(releases, release, package, assets, rate_limit, retry)
    old = [asset for asset in _records_of(record.shard or "", assets) if asset.name != new.name]
    for asset in old:
        retry.call(partial(releases.delete, asset), f"removing {asset.name}")
    gone = {new.name, *(asset.name for asset in old)}
    return (*(asset for asset in assets if asset.name not in gone), new)


def _is_recorded(crate: CrateReport) -> bool:
    """Return True for a crate that was built for this release, from an input that is known."""
    return crate.state == "built" and crate.cache_key is not None and crate.unchanged_since is None


def _content(record: Report) -> bytes:
    return f"{record.model_dump_json()}\n".encode()


def _package(record: Report, directory: Path) -> Package:
    """Return the file of a record, as `upload_record` writes it, and its asset."""
    content = _content(record)
    name, digest = f"record-{_index(record.shard or '')}", hashlib.sha256(content).hexdigest()
    asset = Artifact(file=f"{name}-{digest[:12]}.json", bytes=len(content), sha256=digest)
    return Package(directory / f"{name}.json", asset)


def _index(shard: str) -> str:
    return shard.replace("/", "-of-")


def _records_of(shard: str, assets: Iterable[Asset]) -> list[Asset]:
    found = ((asset, _RECORD.fullmatch(asset.name)) for asset in assets)
    return [asset for asset, match in found if match and match[1] == _index(shard)]


def resume(releases: Releases, number: int, shard: str, directory: Path, retry: Retry) -> tuple[str, ...]:
    """Download what a draft has of a shard, the packages and their report, and return the names of the crates.

    A crate counts only with all its packages, each with the size and digest of the record. Others are named, and left
    out.
    """
    release = open_draft(releases, number, retry)
    assets = {asset.name: asset for asset in list_assets(releases, release, retry)}
    record = record_on_draft(releases, shard, assets.values(), retry)
    if record is None:
        return ()
    with open_output(directory) as results:
        crates = tuple(crate for crate in record.crates if _download(releases, crate, assets, results, retry))
        found = record.model_copy(update={"crates": crates})
        results.write(report_name(shard), f"{found.model_dump_json()}\n".encode())
    return tuple(crate.name for crate in crates)


def _read(releases: Releases, asset: Asset, shard: str, retry: Retry) -> Report:
    content, problems = download_small(releases, asset, MAX_RECORD, retry)
    if problems:
        raise InputError(problems[0])
    record = read_report(content, Path(asset.name))
    if record.shard != shard:
        raise InputError(f"it is the record of {record.shard}")
    return record


def _download(
    releases: Releases, crate: CrateReport, assets: Mapping[str, Asset], results: Directory, retry: Retry
) -> bool:
    """Download the packages of a crate; return False if one is missing or wrong."""
    for file in crate.packages:
        attempt = partial(take_package, releases, assets.get(file.file), file, results, file.file)
        try:
            retry.call(attempt, f"downloading {file.file}")
        except InputError as error:
            retry.note(f"{crate.name} is not taken from the draft: {error.message}")
            return False
    return True
