"""Releases beside others: which one is the latest, and what many of them cost; servers without digests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from generator.planning.plan import make_plan
from generator.releases.budget import budget
from tests.github_server import Rules
from tests.github_server.starting import StartServer
from tests.releases.conftest import MANIFEST, Fleet, make_fleet

ANY_TAG = MANIFEST.replace('"slots": 2', '"slots": 2, "release_tags": "**"')


@pytest.fixture
def any_tag(tmp_path: Path, start_server: StartServer) -> Fleet:
    return make_fleet(tmp_path / "fleet", start_server, ANY_TAG)


def latest(fleet: Fleet) -> str | None:
    repository = fleet.server.repository()
    return repository.releases[repository.latest].tag if repository.latest else None


def test_a_fix_of_an_old_version_is_not_the_latest_release(any_tag: Fleet) -> None:
    for tag, expected in (("v2.0.0", "v2.0.0"), ("v1.9.1", "v2.0.0"), ("v2.1.0-rc.1", "v2.0.0"), ("v2.0.1", "v2.0.1")):
        assert any_tag.publish(any_tag.uploaded(tag)).code == 0
        assert latest(any_tag) == expected


@pytest.mark.parametrize("tag", ["foo@1.2.3", "@scope/foo@1.2.3", "a`$(id)'\"&#%+é"])
def test_a_tag_that_git_takes_is_released_and_verified(any_tag: Fleet, tag: str) -> None:
    ran = any_tag.run("prepare", "--tag", tag)
    assert ran.code == 0, ran.err
    for shard in any_tag.shards:
        assert any_tag.upload(ran.out.strip(), shard).code == 0
    assert any_tag.publish(ran.out.strip()).code == 0
    assert f"refs/tags/{tag}" in any_tag.server.repository().git.refs()
    assert any_tag.run("verify", "--tag", tag, GITHUB_TOKEN="").code == 0


def test_a_draft_is_a_prerelease_by_the_manifest_s_pattern(tmp_path: Path, start_server: StartServer) -> None:
    text = MANIFEST.replace('"slots": 2', '"slots": 2, "prerelease_tags": "v0.*"')
    fleet = make_fleet(tmp_path / "fleet", start_server, text)
    number = fleet.run("prepare", "--tag", "v0.9.0").out.strip()
    assert fleet.server.repository().releases[int(number)].prerelease
    assert fleet.publish(fleet.uploaded("v0.9.0")).code == 0
    assert (latest(fleet), fleet.server.repository().releases[int(number)].prerelease) == (None, True)


@pytest.mark.parametrize("others", [0, 1, 30, 299, 300])
def test_prepare_sends_as_many_requests_as_its_budget_says_for_a_repository_with_many_releases(
    tmp_path: Path, start_server: StartServer, others: int
) -> None:
    fleet = make_fleet(tmp_path / "fleet", start_server, MANIFEST, Rules(limits=False))
    plan = make_plan(fleet.manifest)
    if others:
        with fleet.releases() as releases:
            releases.create("v0.0.0", fleet.head, "", False)
        # The others are copies, because PyGithub writes once a second, and older, because the server sorts by number.
        stored = fleet.server.repository().releases
        (first,) = stored.values()
        for number in range(1, others):
            copied = replace(first, id=-number, tag=f"v0.{number}.0", assets={})
            stored[copied.id] = copied
    sent = len(fleet.server.requests)
    ran = fleet.run("prepare", "--tag", "v1.0.0", "--previous", "previous.json")
    counted = budget(fleet.manifest, plan, others)
    assert (ran.code, f" {counted.requests} requests" in ran.err) == (0, True), ran.err
    only_prepare = counted.requests - budget(fleet.manifest, plan).requests + 7 - 1  # no release before has an index
    assert len(fleet.server.requests) - sent == only_prepare


def test_a_server_without_digests_sends_each_asset_once(tmp_path: Path, start_server: StartServer) -> None:
    fleet = make_fleet(tmp_path / "fleet", start_server, MANIFEST, Rules(digests=False))
    number = fleet.drafted()
    for shard in fleet.shards:
        ran = fleet.upload(number, shard)
        assert (ran.code, "trying again" in ran.err) == (0, False), ran.err
    packages = fleet.server.repository().releases[int(number)].assets.values()
    assert {asset.downloads for asset in packages} == {1}
    assert fleet.upload(number, fleet.shards[0]).err.splitlines()[-1].startswith("0 uploaded, ")
    before = {asset.id: asset.downloads for asset in packages}
    assert fleet.publish(number).code == 0
    assert {asset.downloads - before[asset.id] for asset in packages if asset.id in before} == {1}
    assert fleet.run("verify", "--tag", "v1.0.0").code == 0


def test_a_server_without_digests_shows_another_content_of_the_same_size(
    tmp_path: Path, start_server: StartServer
) -> None:
    fleet = make_fleet(tmp_path / "fleet", start_server, MANIFEST, Rules(digests=False))
    number = fleet.uploaded()
    asset = next(iter(fleet.server.repository().releases[int(number)].assets.values()))
    path = fleet.server._api.assets.path(asset)
    path.write_bytes(path.read_bytes().swapcase())
    ran = fleet.publish(number)
    assert (ran.code, f"{asset.name} has a different SHA-256 on the release" in ran.err) == (1, True), ran.err
    last = [fleet.upload(number, shard).err.splitlines()[-1] for shard in fleet.shards]
    assert sum("1 replaced" in line for line in last) == 1, last
    assert fleet.publish(number).code == 0
