"""The records of shards on a draft: what a repeated job may take from there, and nothing else."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from generator.errors import InputError
from generator.github_api.retry import Retry
from generator.releases.publishing import publish
from generator.releases.records import record_name, resume, write_record
from generator.releases.uploading import packages_of, upload
from generator.reports.merging import merge_directory, reports_below
from generator.reports.models import Report
from tests.github_server import Release
from tests.github_server.starting import StartServer
from tests.releases.conftest import MANIFEST, QUIET, Fleet, make_fleet


@pytest.fixture
def fleet(tmp_path: Path, start_server: StartServer) -> Fleet:
    manifest = json.loads(MANIFEST)
    manifest["fleet"]["backend"] = "e2b"
    return make_fleet(tmp_path / "fleet", start_server, json.dumps(manifest))


def uploaded(fleet: Fleet) -> Release:
    """Upload every shard as its job does, and return the draft."""
    number = fleet.drafted()
    for shard in fleet.shards:
        reports = reports_below(shard)
        records = [record for place, report in reports if (record := write_record(report, place))]
        with fleet.releases() as releases:
            upload(releases, int(number), packages_of(reports, shard), 1, 6_000, QUIET, records)
    return fleet.server.repository().releases[int(number)]


def resumed(fleet: Fleet, release: Release, shard: str, retry: Retry = QUIET) -> list[str]:
    """Resume a shard on a new machine and return its crates; their report and packages are complete."""
    out = fleet.top / "earlier" / shard.replace("/", "-")
    with fleet.releases() as releases:
        names = resume(releases, release.id, shard, out, retry)
    if names:
        ((_, report),) = reports_below(out)
        assert tuple(crate.name for crate in report.crates) == names
        packages_of([(out, report)], out)
    return sorted(names)


def test_each_shard_gets_what_it_uploaded_also_crates_without_a_package(fleet: Fleet) -> None:
    release = uploaded(fleet)
    names = [resumed(fleet, release, shard) for shard in ("1/2", "2/2")]
    assert sorted(name for each in names for name in each) == ["four", "one", "three", "two"]
    assert names == [sorted(crate.name for crate in report.crates) for shard in fleet.shards for _, report in reports_below(shard)]  # fmt: skip
    assert resumed(fleet, release, "1/3") == []


@pytest.mark.attack("a repeated job takes from a draft only what its record says, byte by byte")
def test_what_is_missing_or_wrong_is_named_and_left_out(fleet: Fleet) -> None:
    release, said = uploaded(fleet), list[str]()
    shard = next(name for name in ("1/2", "2/2") if "one" in resumed(fleet, release, name))
    others = [name for name in resumed(fleet, release, shard) if name != "one"]
    package = release.named("demo-one-1.0.0.tgz")
    assert package is not None
    stored = fleet.server._api.assets.path(package)
    content = stored.read_bytes()
    stored.write_bytes(content.swapcase())
    assert resumed(fleet, release, shard, Retry(said.append)) == others
    stored.write_bytes(content)
    del release.assets[package.id]
    assert resumed(fleet, release, shard, Retry(said.append)) == others
    reason = "one is not taken from the draft: demo-one-1.0.0.tgz"
    assert said == [
        f"{reason} has a different SHA-256 on the release",
        f"{reason} is missing on the release, or has another size there",
    ]


def test_a_record_that_cannot_be_read_or_is_of_another_shard_is_as_none(fleet: Fleet) -> None:
    release, said = uploaded(fleet), list[str]()
    record, other = (release.named(record_name(shard)) for shard in ("1/2", "2/2"))
    assert record is not None
    assert other is not None
    path = fleet.server._api.assets.path(record)
    for content in (fleet.server.content(other), b"{}", b'{"crates": [}'):
        path.write_bytes(content)
        record.size, record.sha256 = len(content), hashlib.sha256(content).hexdigest()
        assert resumed(fleet, release, "1/2", Retry(said.append)) == []
    assert said[0] == "nothing is taken from the draft: record-1-of-2.json is the record of 2/2"
    assert all("record-1-of-2.json is not a report of this version" in line for line in said[1:])


def test_only_the_publication_removes_the_records(fleet: Fleet) -> None:
    release, reports = uploaded(fleet), fleet.top / "shards"
    records = {record_name("1/2"), record_name("2/2")}
    for keep_draft in (True, False):
        with fleet.releases() as releases:
            publish(releases, release.id, fleet.manifest, merge_directory(reports), "", reports, keep_draft, QUIET)
        assert records & {asset.name for asset in release.assets.values()} == (records if keep_draft else set())
    assert not release.draft
    with fleet.releases() as releases, pytest.raises(InputError, match="only a draft"):
        resume(releases, release.id, "1/2", fleet.top / "late", QUIET)


def test_a_record_has_only_what_was_built_for_this_release(fleet: Fleet, tmp_path: Path) -> None:
    for shard in fleet.shards:
        ((place, report),) = reports_below(shard)
        crates = [crate.model_copy(update={"unchanged_since": "v0.9.0"}) for crate in report.crates]
        assert write_record(report.model_copy(update={"crates": tuple(crates)}), place) is None
        secret = [crate.model_copy(update={"cache_key": None}) for crate in report.crates]
        assert write_record(report.model_copy(update={"crates": tuple(secret)}), place) is None
        assert write_record(report.model_copy(update={"backend": "local"}), place) is None
        assert write_record(report.model_copy(update={"shard": None}), place) is None
        record = write_record(report, tmp_path)
        assert record is not None
        kept = Report.model_validate_json((tmp_path / record.file.file).read_bytes())
        assert kept.crates == report.crates
