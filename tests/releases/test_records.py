"""The records of shards on a draft: what a repeated job may take from there, and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from generator.errors import InputError
from generator.github_api.retry import Retry
from generator.releases.complete_upload import upload
from generator.releases.publishing import publish
from generator.releases.records import record_of, resume
from generator.releases.uploading import packages_of
from generator.reports.merging import merge_directory, reports_below
from generator.reports.models import Report
from tests.github_server import Asset, Release, error
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
        upload_shard(fleet, number, reports_below(shard), shard)
    return fleet.server.repository().releases[int(number)]


def upload_shard(fleet: Fleet, number: str, reports: Sequence[tuple[Path, Report]], shard: Path) -> None:
    with fleet.releases() as releases:
        upload(releases, int(number), packages_of(reports, shard), 1, 6_000, QUIET, reports)


def records_of(release: Release, shard: str = "") -> list[Asset]:
    """Return the records of a shard, or of all, on a draft."""
    start = f"record-{shard.replace('/', '-of-')}"
    return [asset for asset in release.assets.values() if asset.name.startswith(start)]


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
    ((record,), (other,)) = (records_of(release, shard) for shard in ("1/2", "2/2"))
    path = fleet.server._api.assets.path(record)
    for content in (fleet.server.content(other), b"{}", b'{"crates": [}'):
        path.write_bytes(content)
        record.size, record.sha256 = len(content), hashlib.sha256(content).hexdigest()
        assert resumed(fleet, release, "1/2", Retry(said.append)) == []
    nothing = f"nothing is taken from {record.name} on the draft"
    assert said[0] == f"{nothing}: it is the record of 2/2"
    assert all(line.startswith(f"{nothing}: {record.name} is not a report of this version") for line in said[1:])


def test_only_the_publication_removes_the_records(fleet: Fleet) -> None:
    release, reports = uploaded(fleet), fleet.top / "shards"
    records = {record.name for record in records_of(release)}
    assert len(records) == 2
    for keep_draft in (True, False):
        with fleet.releases() as releases:
            publish(releases, release.id, fleet.manifest, merge_directory(reports), "", reports, keep_draft, QUIET)
        assert records & {asset.name for asset in release.assets.values()} == (records if keep_draft else set())
    assert not release.draft
    with fleet.releases() as releases, pytest.raises(InputError, match="only a draft"):
        resume(releases, release.id, "1/2", fleet.top / "late", QUIET)


def test_a_record_has_only_what_was_built_for_this_release(fleet: Fleet) -> None:
    for shard in fleet.shards:
        ((_, report),) = reports_below(shard)
        crates = [crate.model_copy(update={"unchanged_since": "v0.9.0"}) for crate in report.crates]
        assert record_of(report.model_copy(update={"crates": tuple(crates)})) is None
        secret = [crate.model_copy(update={"cache_key": None}) for crate in report.crates]
        assert record_of(report.model_copy(update={"crates": tuple(secret)})) is None
        assert record_of(report.model_copy(update={"backend": "local"})) is None
        assert record_of(report.model_copy(update={"shard": None})) is None
        record = record_of(report)
        assert record is not None
        assert record.crates == tuple(sorted(report.crates, key=lambda crate: crate.name))


def test_a_job_that_is_stopped_early_forgets_nothing_of_an_earlier_attempt(fleet: Fleet) -> None:
    release = uploaded(fleet)
    shard = next(shard for shard in fleet.shards if "demo-one" in next(shard.glob("report-*")).read_text())
    ((_, report),) = reports_below(shard)
    assert report.shard is not None
    names, first = resumed(fleet, release, report.shard), records_of(release, report.shard)
    again = next(crate for crate in report.crates if crate.name == "one").model_copy(update={"cache_key": "0" * 64})
    stopped = report.model_copy(update={"crates": (again,), "interrupted": True})
    upload_shard(fleet, str(release.id), [(shard, stopped)], shard)
    ((record,),) = (records_of(release, report.shard),)
    assert record not in first
    assert resumed(fleet, release, report.shard) == names
    kept = Report.model_validate_json(fleet.server.content(record))
    assert {crate.name: crate.cache_key for crate in kept.crates}["one"] == "0" * 64
    of_other_code = record_of(stopped.model_copy(update={"code": "1" * 64}), kept)
    assert of_other_code is not None
    assert of_other_code.crates == (again,)


def test_a_draft_has_a_record_at_every_moment_of_its_replacement(fleet: Fleet) -> None:
    """A runner may be lost at any moment: here after the upload of the new record, and after a part of it."""
    release = uploaded(fleet)
    (old,) = records_of(release, "1/2")
    content = fleet.server.content(old)
    names = resumed(fleet, release, "1/2")
    ((place, report),) = (each for shard in fleet.shards for each in reports_below(shard) if each[1].shard == "1/2")
    fleet.server.inject("DELETE *", error(403))
    changed = report.model_copy(update={"run_attempt": 2})
    with pytest.raises(InputError, match="removing record-1-of-2"):
        upload_shard(fleet, str(release.id), [(place, changed)], place)
    assert len(records_of(release, "1/2")) == 2
    assert fleet.server.content(old) == content
    assert resumed(fleet, release, "1/2") == names
    new = next(record for record in records_of(release, "1/2") if record is not old)
    new.state = "starter"
    assert resumed(fleet, release, "1/2") == names
