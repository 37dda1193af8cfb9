"""Records on a draft: the crates of a shard that were built, so that a repeated job does not build them again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

from generator.errors import InputError
from generator.files.directory import Directory
from generator.files.output import open_output
from generator.github_api.retry import Retry
from generator.releases.downloads import download_small
from generator.releases.protocol import Asset, Releases
from generator.releases.taking import take_package
from generator.releases.uploading import Package, list_assets, open_draft
from generator.reports.memory import report_name
from generator.reports.merging import read_report
from generator.reports.models import Artifact, CrateReport, Report

MAX_RECORD: Final = 16 * 1024 * 1024
"""Largest record in bytes; the part of one crate has a few thousand."""

_RECORD: Final = re.compile(r"record-[1-9]\d*-of-[1-9]\d*\.json")


def record_name(shard: str) -> str:
    """Return the name of the asset with the record of a shard, which is written I/N."""
    return f"record-{shard.replace('/', '-of-')}.json"


def is_record(asset: Asset) -> bool:
    """Return True for the record of a shard; the name of a package ends with .tgz."""
    return _RECORD.fullmatch(asset.name) is not None


def write_record(report: Report, directory: Path) -> Package | None:
    """Write the record of a shard beside its report, and return it; None for a report without one.

    Crates built on the machine itself have none, because their jobs may not read a draft.
    """
    crates = tuple(crate for crate in report.crates if _is_recorded(crate))
    if report.shard is None or report.backend != "e2b" or not crates:
        return None
    record = report.model_copy(update={"crates": crates, "remembered": ()})
    name, content = record_name(report.shard), f"{record.model_dump_json()}\n".encode()
    with open_output(directory) as results:
        results.write(name, content)
    digest = hashlib.sha256(content).hexdigest()
    return Package(directory / name, Artifact(file=name, bytes=len(content), sha256=digest))


def _is_recorded(crate: CrateReport) -> bool:
    """Return True for a crate that was built for this release, from an input that is known."""
    return crate.state == "built" and crate.cache_key is not None and crate.unchanged_since is None


def resume(releases: Releases, number: int, shard: str, directory: Path, retry: Retry) -> tuple[str, ...]:
    """Download what a draft has of a shard, the packages and their report, and return the names of the crates.

    A crate counts only with all its packages, each with the size and digest of the record. Others are named, and left
    out.
    """
    release = open_draft(releases, number, retry)
    assets = {asset.name: asset for asset in list_assets(releases, release, retry)}
    if (asset := assets.get(record_name(shard))) is None:
        return ()
    try:
        record = _read(releases, asset, shard, retry)
    except InputError as error:
        retry.note(f"nothing is taken from the draft: {error.message}")
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
        raise InputError(f"{asset.name} is the record of {record.shard}")
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
