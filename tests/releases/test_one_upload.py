"""One job uploads the packages of all shards, from their artifacts: each report with its packages beside it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from generator.manifest.crate_models import Crate
from generator.planning.plan import make_plan
from generator.reports.merging import reports_below
from tests.releases.conftest import Fleet, build_shard

FAST = ("--writes-per-minute", "6000")


@pytest.fixture
def kept(fleet: Fleet) -> Path:
    """The result of download-artifact: a directory for each shard and attempt."""
    kept = fleet.top / "dist"
    for number, shard in enumerate(fleet.shards, 1):
        shutil.copytree(shard, kept / f"packages-{number}-1")
    return kept


def crates_of(fleet: Fleet, shard: int) -> list[Crate]:
    manifest = fleet.manifest
    names = make_plan(manifest).shards[shard - 1].crates
    return [crate for crate in manifest.crates if crate.name in names]


def test_one_job_uploads_the_packages_of_all_shards(fleet: Fleet, kept: Path) -> None:
    number = fleet.drafted()
    ran = fleet.run("upload", "--release-id", number, *FAST)
    assert (ran.code, "3 uploaded, 0 skipped, 0 replaced" in ran.err) == (0, True), ran.err
    assert fleet.publish(number).code == 0


def test_the_last_attempt_of_a_shard_is_uploaded(fleet: Fleet, kept: Path) -> None:
    first = next((kept / "packages-1-1").glob("*.tgz"))
    build_shard(kept / "packages-1-2", fleet.manifest, crates_of(fleet, 1), "1/2", attempt=2)
    first.write_text("of an attempt that failed later on")
    number = fleet.drafted()
    ran = fleet.run("upload", "--release-id", number, *FAST)
    assert (ran.code, "3 uploaded" in ran.err) == (0, True), ran.err
    assert [place.name for place, _ in reports_below(kept)] == ["packages-1-2", "packages-2-1"]


def test_built_packages_are_uploaded_without_the_results_of_another_shard(fleet: Fleet, kept: Path) -> None:
    shutil.rmtree(kept / "packages-2-1")
    number = fleet.drafted()
    assert fleet.run("upload", "--release-id", number, *FAST).code == 0
    assert fleet.run("publish", "--release-id", number, "--out", kept).code == 1


@pytest.mark.attack("nothing is released but what its report says, byte by byte")
def test_a_package_that_differs_from_its_report_is_not_uploaded(fleet: Fleet, kept: Path) -> None:
    next((kept / "packages-2-1").glob("*.tgz")).write_text("something else")
    number = fleet.drafted()
    ran = fleet.run("upload", "--release-id", number, *FAST)
    assert (ran.code, "packages differ from their reports" in ran.err) == (2, True)
    assert not fleet.server.repository().releases[int(number)].assets
