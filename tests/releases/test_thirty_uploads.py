"""The 110 crates, built by 30 shards that upload at the same time, each in its own process."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from generator.planning.plan import make_plan
from generator.releases.budget import budget
from generator.releases.expected_assets import CHECKSUMS, expected_packages
from generator.reports.index import INDEX
from tests.github_server import Faults, Rules, secondary
from tests.github_server.starting import StartServer
from tests.releases.conftest import Fleet, copy_reports, make_fleet
from tests.support import TOP, cratematrix

# GitHub's limits, with a second for each minute.
RULES = Rules(speed=60)
BAD_DAY = Faults(
    seed=30, server_error=0.08, stored_error=0.1, starter=0.1, lost=0.08, stall=0.03, stall_seconds=1, truncate=0.05
)


@pytest.fixture
def rules() -> Rules:
    return RULES


@pytest.fixture
def fleet(tmp_path: Path, start_server: StartServer, rules: Rules) -> Fleet:
    manifest = json.loads((TOP / "crates.json").read_text())
    manifest["fleet"] |= {"backend": "e2b", "release_tags": "v*"}  # at E2B every shard uploads its own packages
    for crate in manifest["crates"]:
        if "path" in crate["source"] and "git" not in crate["source"]:
            crate["source"] = {"registry": crate["name"], "version": crate["version"]}
    return make_fleet(tmp_path / "fleet", start_server, json.dumps(manifest), rules)


def upload_at_once(fleet: Fleet, number: str) -> list[tuple[int, str]]:
    """Upload all shards at once and return exit code and messages of each."""
    assert len(fleet.shards) == 30
    words = ("upload", "--release-id", number, "--writes-per-minute", "4000", "--out")
    running = [fleet.start(*words, shard) for shard in fleet.shards]
    said = [each.communicate()[1] for each in running]
    return [(each.returncode, err) for each, err in zip(running, said, strict=True)]


# After a pause of the machine the server gets the requests of two seconds in one.
@pytest.mark.slow
@pytest.mark.parametrize("rules", [replace(RULES, limits=False)], ids=["no limits"])
def test_a_release_of_the_110_crates_sends_as_many_requests_as_its_budget_says(fleet: Fleet) -> None:
    ran = fleet.run("prepare", "--tag", "v1.0.0", "--previous", "previous.json")
    number, counted = ran.out.strip(), budget(fleet.manifest, make_plan(fleet.manifest))
    assert re.search(
        rf"{counted.requests} requests with uploads from 30 jobs, .* a margin of {1_000 - counted.requests}", ran.err
    )
    assert {code for code, _ in upload_at_once(fleet, number)} == {0}
    reports = copy_reports(fleet.top / "shards", fleet.top / "reports")
    assert fleet.run("publish", "--release-id", number, "--out", reports).code == 0
    calls = fleet.server.calls()
    # No request was refused; only the tag and an earlier release were not found.
    missing = [seen.path.rpartition("/fleet/")[2] for seen in calls if seen.status >= 400]
    assert missing == ["commits/tags/v1.0.0", "releases/latest"]
    # There is no release before, which prepare and each of the jobs would read. No job resumes or uploads early, by two
    # requests each.
    most = counted.requests - 1 - 30 - 30 * 4
    # The 111 assets have two pages, and those of a list that comes early have one.
    assert most - 30 <= len(calls) <= most < 1_000 / 2
    assert sum(seen.content_creating for seen in calls) == counted.writes
    assert fleet.run("verify", "--tag", "v1.0.0").code == 0
    # Only the requests for the release and its assets count, not the downloads.
    assert len(fleet.server.calls()) == len(calls) + 2


@pytest.mark.rush
def test_thirty_uploads_to_a_failing_server_leave_no_missing_and_no_duplicate_asset(fleet: Fleet) -> None:
    number = fleet.drafted()
    fleet.server.faults = BAD_DAY
    fleet.server.inject("POST /uploads/*", secondary(1), 6)
    ended = upload_at_once(fleet, number)
    # An upload that failed six times in a row ends with an error, and the same command continues it.
    assert {code for code, _ in ended} <= {0, 4}
    again = [shard for shard, (code, _) in zip(fleet.shards, ended, strict=True) if code]
    fleet.server.faults = Faults()
    for shard in again:
        assert fleet.upload(number, shard).code == 0
    wanted = expected_packages(fleet.manifest)
    release = fleet.server.repository().releases[int(number)]
    names = [asset.name.rpartition("-") for asset in release.assets.values()]
    records = [name for name, _, digest in names if digest.endswith(".json")]
    assert sorted(records) == sorted(f"record-{number}-of-30" for number in range(1, 31))
    assert sorted(asset.name for asset in release.assets.values() if asset.name.endswith(".tgz")) == sorted(wanted)
    assert len(release.assets) == len(wanted) + 30
    assert {asset.state for asset in release.assets.values()} == {"uploaded"}
    assert len([seen for seen in fleet.server.calls() if seen.fault]) > 20
    assert len(fleet.server.calls()) < 1_000

    gone = release.named(list(wanted)[40])
    assert gone is not None
    with fleet.releases() as releases:
        releases.delete(next(each for each in releases.assets(int(number)) if each.id == gone.id))
    refused = fleet.publish(number)
    assert (refused.code, release.draft) == (1, True)
    assert refused.err.splitlines()[0] == f"{gone.name} is missing on the release"
    assert len([line for line in refused.err.splitlines() if line.endswith("is missing on the release")]) == 1
    shard = next(path.parent for path in fleet.top.rglob(gone.name))
    assert fleet.upload(number, shard).err.splitlines()[-1].startswith("1 uploaded, ")
    assert fleet.publish(number).code == 0
    assert sorted(asset.name for asset in release.assets.values()) == sorted([*wanted, CHECKSUMS, INDEX])
    assert cratematrix("release", "verify", "--tag", "v1.0.0", cwd=fleet.top, env=fleet.environment).code == 0
