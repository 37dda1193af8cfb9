"""A release takes the packages of unchanged crates from the one before: only with size and digest as listed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.builds.unchanged import unchanged_report
from generator.errors import Incomplete, InputError
from generator.github_api.retry import Retry
from generator.manifest.settings import settings
from generator.planning.plan import make_plan
from generator.releases.following import previous_index
from generator.releases.taking import packages_to_take, take
from generator.releases.verifying import Verified, verify
from generator.reports.index import INDEX, FleetIndex, load_index
from generator.reports.memory import read_memory
from generator.reports.merging import reports_below
from generator.reports.models import Report
from tests.github_server import Cut, Rules, account
from tests.github_server.starting import StartServer
from tests.releases.conftest import MANIFEST, QUIET, Fleet, built, make_fleet

Change = Callable[[Fleet, account.Release], None]


def index_before(fleet: Fleet, tag: str = "v1.1.0", retry: Retry = QUIET) -> FleetIndex | None:
    with fleet.releases() as releases:
        return previous_index(releases, tag, "v*", retry)


def names(index: FleetIndex | None) -> list[str]:
    return [crate.name for crate in index.crates] if index else []


def key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def build_again(fleet: Fleet, previous: FleetIndex, changed: str) -> None:
    """Write the results of jobs that built only one crate."""
    manifest = fleet.manifest
    crates, plan = {crate.name: crate for crate in manifest.crates}, make_plan(manifest)
    for out, shard in zip(fleet.shards, plan.shards, strict=True):
        for old in out.iterdir():
            old.unlink()
        reports = []
        for name in shard.crates:
            crate = crates[name]
            own = settings(manifest.fleet, crate)
            found = unchanged_report(crate, own, None if name == changed else key(name), previous)
            reports.append(found.model_copy(update={"cache_key": key(name)}) if found else built(out, manifest, crate))
        report = Report(
            backend="local",
            isolated=True,
            shard=f"{shard.index}/{len(plan.shards)}",
            seconds=1.0,
            crates=tuple(reports),
        )
        (out / f"report-{shard.index}.json").write_text(report.model_dump_json())


def test_a_second_release_takes_what_did_not_change(fleet: Fleet) -> None:
    first = fleet.server.repository().releases[int(fleet.published())]
    ran = fleet.run("prepare", "--tag", "v1.1.0", "--previous", "previous.json")
    assert (ran.code, "v1.1.0 follows v1.0.0, which has 4 crates to take if unchanged" in ran.err) == (0, True), ran.err
    previous = load_index(fleet.top / "previous.json")
    build_again(fleet, previous, changed="two")
    assert [path.name for path in fleet.top.glob("shards/**/*.tgz")] == ["demo-two-1.0.0.tgz"]
    for shard in fleet.shards:
        sent = fleet.upload(ran.out.strip(), shard)
        assert sent.code == 0, sent.err
    published = fleet.publish(ran.out.strip())
    assert published.code == 0, published.err
    second = fleet.server.repository().releases[int(ran.out)]
    packages = {asset.name: asset.sha256 for asset in second.assets.values() if asset.name.endswith(".tgz")}
    assert packages == {asset.name: asset.sha256 for asset in first.assets.values() if asset.name.endswith(".tgz")}
    assert fleet.run("verify", "--tag", "v1.1.0", GITHUB_TOKEN="").code == 0
    assert names(index_before(fleet, "v1.2.0")) == names(previous)


def test_without_a_release_before_every_crate_is_built(fleet: Fleet) -> None:
    ran = fleet.run("prepare", "--tag", "v1.0.0", "--previous", "previous.json")
    assert (ran.code, "so every crate is built" in ran.err) == (0, True), ran.err
    assert load_index(fleet.top / "previous.json").crates == ()


def test_a_draft_is_never_followed(fleet: Fleet) -> None:
    number = fleet.uploaded()
    assert fleet.publish(number, "--keep-draft").code == 0
    assert index_before(fleet) is None


def gone(_: Fleet, release: account.Release) -> None:
    asset = release.named("demo-one-1.0.0.tgz")
    assert asset is not None
    del release.assets[asset.id]


def another(_: Fleet, release: account.Release) -> None:
    asset = release.named("demo-one-1.0.0.tgz")
    assert asset is not None
    asset.sha256 = "0" * 64


def longer(_: Fleet, release: account.Release) -> None:
    asset = release.named("demo-one-1.0.0.tgz")
    assert asset is not None
    asset.size += 1


def unfinished(_: Fleet, release: account.Release) -> None:
    asset = release.named("demo-one-1.0.0.tgz")
    assert asset is not None
    asset.state = "starter"


@pytest.mark.parametrize("change", [gone, another, longer, unfinished])
@pytest.mark.attack("a release takes packages of another one only with the size and digest of its index")
def test_a_crate_whose_package_is_not_there_as_listed_is_built(fleet: Fleet, change: Change) -> None:
    release = fleet.server.repository().releases[int(fleet.published())]
    assert names(index_before(fleet)) == ["four", "one", "three", "two"]
    change(fleet, release)
    before = index_before(fleet)
    assert before is not None
    assert names(before) == ["four", "three", "two"]
    # Its next build is predicted all the same.
    assert [each.name for each in before.remembered] == ["one"]
    assert sorted(read_memory(before.content, INDEX)) == ["four", "one", "three", "two"]


def test_a_server_without_digests_sends_each_package_to_be_hashed(tmp_path: Path, start_server: StartServer) -> None:
    fleet = make_fleet(tmp_path / "fleet", start_server, MANIFEST, Rules(digests=False))
    release = fleet.server.repository().releases[int(fleet.published())]
    swap(fleet, release, "demo-one-1.0.0.tgz")
    assert names(index_before(fleet)) == ["four", "three", "two"]


def swap(fleet: Fleet, release: account.Release, name: str) -> None:
    """Give an asset another content of the same size, and no other digest."""
    asset = release.named(name)
    assert asset is not None
    path = fleet.server._api.assets.path(asset)
    path.write_bytes(path.read_bytes().swapcase())


def replace_index(fleet: Fleet, release: account.Release, content: bytes) -> None:
    asset = release.named(INDEX)
    assert asset is not None
    fleet.server._api.assets.path(asset).write_bytes(content)
    asset.size, asset.sha256 = len(content), hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not a fleet index"),
        (b'{"index_version": 2}', "has version 2, and this version of cratematrix reads 1"),
        (b'{"index_version": 1, "tag": "v9", "commit": "", "backend": "local", "crates": []}', "is that of v9"),
    ],
)
def test_an_unreadable_index_is_as_none(fleet: Fleet, content: bytes, said: str) -> None:
    release = fleet.server.repository().releases[int(fleet.published())]
    replace_index(fleet, release, content)
    notes: list[str] = []
    assert index_before(fleet, retry=Retry(notes.append)) is None
    assert [said in note for note in notes] == [True]


def test_an_index_that_differs_from_its_digest_is_as_none(fleet: Fleet) -> None:
    swap(fleet, fleet.server.repository().releases[int(fleet.published())], INDEX)
    notes: list[str] = []
    assert index_before(fleet, retry=Retry(notes.append)) is None
    assert notes == ["nothing is taken from the release v1.0.0: fleet.json has a different SHA-256 on the release"]


@pytest.fixture
def unchanged(fleet: Fleet) -> Path:
    """A shard whose crates did not change since a published release."""
    fleet.published()
    previous = index_before(fleet)
    assert previous is not None
    build_again(fleet, previous, changed="")
    return next(shard for shard in fleet.shards if "demo-one" in (next(shard.glob("report-*"))).read_text())


def take_all(fleet: Fleet, shard: Path) -> None:
    with fleet.releases() as releases:
        for tag, packages in packages_to_take(reports_below(shard)).items():
            take(releases, tag, packages, shard, QUIET)


@pytest.mark.attack("a release takes packages of another one only with the size and digest of its index")
def test_a_package_with_another_content_is_not_taken(fleet: Fleet, unchanged: Path) -> None:
    release = fleet.server.repository().published("v1.0.0")
    assert release is not None
    swap(fleet, release, "demo-one-1.0.0.tgz")
    with pytest.raises(InputError, match=r"cannot be taken from the release v1\.0\.0") as caught:
        take_all(fleet, unchanged)
    assert caught.value.problems == ("demo-one-1.0.0.tgz has a different SHA-256 on the release",)
    assert "demo-one-1.0.0.tgz" not in {path.name for path in unchanged.iterdir()}
    number = fleet.drafted("v1.1.0")
    assert fleet.upload(number, unchanged).code == 2
    assert not fleet.server.repository().releases[int(number)].assets


@pytest.mark.parametrize("change", [gone, longer])
def test_a_package_that_disappears_later_is_not_taken(fleet: Fleet, unchanged: Path, change: Change) -> None:
    release = fleet.server.repository().published("v1.0.0")
    assert release is not None
    change(fleet, release)
    with pytest.raises(InputError) as caught:
        take_all(fleet, unchanged)
    assert caught.value.problems == ("demo-one-1.0.0.tgz is missing on the release, or has another size there",)


def test_a_download_that_ends_early_is_tried_again(fleet: Fleet, unchanged: Path) -> None:
    fleet.server.inject("GET /storage/*", Cut(50))
    take_all(fleet, unchanged)
    assert "demo-one-1.0.0.tgz" in {path.name for path in unchanged.iterdir()}


def test_a_draft_gives_no_packages(fleet: Fleet, unchanged: Path) -> None:
    release = fleet.server.repository().published("v1.0.0")
    assert release is not None
    release.draft = True
    with pytest.raises(InputError, match=r"looking for the published release v1\.0\.0"):
        take_all(fleet, unchanged)


@pytest.mark.parametrize("tag", ["../v1", "-v1", "a b"])
def test_a_report_with_a_tag_that_cannot_be_one_is_refused(fleet: Fleet, tag: str) -> None:
    shard = fleet.shards[0]
    (report,) = shard.glob("report-*.json")
    data = json.loads(report.read_text())
    for crate in data["crates"]:
        crate["unchanged_since"] = tag
    report.write_text(json.dumps(data))
    with pytest.raises(InputError, match="cannot be a tag"):
        packages_to_take(reports_below(shard))


def test_a_release_of_an_earlier_version_is_verified_and_said_so(fleet: Fleet) -> None:
    release = fleet.server.repository().releases[int(fleet.published())]
    asset, sums = release.named(INDEX), release.named("SHA256SUMS")
    assert asset is not None
    assert sums is not None
    path = fleet.server._api.assets.path(sums)
    text = "".join(line for line in path.read_text().splitlines(keepends=True) if INDEX not in line).encode()
    path.write_bytes(text)
    sums.size, sums.sha256 = len(text), hashlib.sha256(text).hexdigest()
    with fleet.releases() as releases, pytest.raises(Incomplete) as caught:
        verify(releases, "v1.0.0", fleet.manifest, QUIET)
    assert caught.value.problems == ("fleet.json is not in SHA256SUMS",)
    del release.assets[asset.id]
    with fleet.releases() as releases:
        assert verify(releases, "v1.0.0", fleet.manifest, QUIET) == Verified(packages=3, absent=(), index=False)
    ran = fleet.run("verify", "--tag", "v1.0.0")
    assert ran.err.endswith("all verified; it has no fleet.json, as releases of earlier versions of cratematrix\n")


def test_an_index_that_is_gone_is_missed(fleet: Fleet) -> None:
    release = fleet.server.repository().releases[int(fleet.published())]
    asset = release.named(INDEX)
    assert asset is not None
    del release.assets[asset.id]
    with fleet.releases() as releases, pytest.raises(Incomplete) as caught:
        verify(releases, "v1.0.0", fleet.manifest, QUIET)
    assert caught.value.problems == ("fleet.json is not on the release",)
