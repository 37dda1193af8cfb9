"""Uploads beside a running build: the test is the build, which goes on while the upload waits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from generator.errors import InputError
from generator.github_api.retry import Retry
from generator.releases.budget import REQUESTS_AN_HOUR
from generator.releases.early_upload import OTHER_REQUESTS, PAUSE, POLL, EarlyUpload, RunningBuild, reserved_requests
from generator.reports.merging import reports_below
from generator.reports.models import CrateReport, Report
from tests.github_server import Cut, Rules
from tests.github_server.starting import StartServer
from tests.releases.conftest import MANIFEST, Fleet, make_fleet

UPLOADS = "POST /uploads/*"


@dataclass
class Build:
    """A shard's build of all crates; `steps` are its moments, of which one passes at each wait of the upload."""

    fleet: Fleet
    report: Report
    out: Path
    steps: Iterator[object] = field(default_factory=lambda: iter(()))
    said: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def write(self, *finished: str, ended: bool = False, **update: object) -> None:
        """Write the report as after these crates; the others are not run."""
        crates = [crate if crate.name in finished or ended else not_run(crate) for crate in self.report.crates]
        changed = {"crates": tuple(crates), "interrupted": not ended, "run": "7", **update}
        (self.out / "report-1.json").write_text(self.report.model_copy(update=changed).model_dump_json())

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        if seconds >= POLL:
            next(self.steps)

    def followed(self, number: str) -> EarlyUpload:
        """Run the upload until the report is complete."""
        build = RunningBuild(self.out, "1/1", "7", 1)
        with self.fleet.releases() as releases:
            early = EarlyUpload(releases, int(number), build, 1, 6_000, Retry(self.said.append, self.wait))
            early.run()
        return early

    def assets(self, number: str) -> list[str]:
        return sorted(asset.name for asset in self.fleet.server.repository().releases[int(number)].assets.values())

    def writes(self) -> int:
        return sum(call.method in ("POST", "DELETE") and "/assets" in call.path for call in self.fleet.server.calls())


def not_run(crate: CrateReport) -> CrateReport:
    return CrateReport(name=crate.name, version=crate.version, kind=crate.kind, state="not_run")


@pytest.fixture
def rules() -> Rules:
    return Rules()


@pytest.fixture
def build(tmp_path: Path, start_server: StartServer, rules: Rules) -> Build:
    manifest = json.loads(MANIFEST)
    manifest["fleet"] |= {"backend": "e2b", "slots": 1}
    fleet = make_fleet(tmp_path / "fleet", start_server, json.dumps(manifest), rules)
    ((out, report),) = reports_below(fleet.shards[0])
    (out / "report-1.json").unlink()
    return Build(fleet, report, out)


def test_each_crate_goes_to_the_draft_when_it_is_finished_and_is_sent_once(build: Build) -> None:
    number = build.fleet.drafted()
    before = build.writes()

    def steps() -> Iterator[None]:
        build.write("one")
        yield
        assert [name.partition("-")[0] for name in build.assets(number)] == ["demo", "record"]
        assert build.writes() - before == 2
        yield
        build.write("one", "four")
        yield
        # A library has no package, and the record is replaced.
        assert build.writes() - before == 4
        build.write("one", "four", seconds=99.0, cost=9.0)
        yield
        assert build.writes() - before == 4
        build.write("one", "two", "four")
        yield
        build.write(ended=True)
        yield

    build.steps = steps()
    assert build.followed(number).uploaded == {"one", "two", "four"}
    assert build.writes() - before == 4 + 3
    ((out, report),) = reports_below(build.out)
    assert (out, report.interrupted) == (build.out, False)
    ran = build.fleet.upload(number, build.out)
    assert (ran.code, ran.err.splitlines()[-1]) == (0, "1 uploaded, 2 skipped, 0 replaced")
    assert len([name for name in build.assets(number) if name.startswith("record-1-of-1-")]) == 1


def test_a_second_upload_and_the_one_after_the_build_find_all_and_send_nothing(build: Build) -> None:
    number = build.fleet.drafted()
    names = [crate.name for crate in build.report.crates]

    def steps() -> Iterator[None]:
        build.write(ended=True)
        yield

    for _ in range(2):
        build.write(*names)
        build.steps = steps()
        assert build.followed(number).uploaded == set(names)
        assert build.writes() == 3 + 1
    assert build.fleet.upload(number, build.out).code == 0
    assert build.writes() == 3 + 1


def test_an_outage_of_github_only_delays_it_and_a_failed_upload_comes_last(build: Build) -> None:
    number = build.fleet.drafted()

    def steps() -> Iterator[None]:
        build.fleet.server.inject("*", Cut(0), 6)
        build.write("one", "four")
        yield
        while PAUSE not in build.waits:
            yield
        assert build.fleet.server.pending() == 0
        yield
        build.write(ended=True)
        yield

    build.steps = steps()
    assert build.followed(number).uploaded == {"one", "four"}
    sent = [line.partition(" ")[0] for line in build.said if "is on the draft" in line]
    assert sent == ["one", "four"]
    assert any("the build goes on, and so do the uploads after 60 s" in line for line in build.said)
    assert "demo-one-1.0.0.tgz" in build.assets(number)


@pytest.mark.parametrize("rules", [Rules(hourly=OTHER_REQUESTS + 6)])
def test_requests_that_the_last_uploads_need_are_left_to_them(build: Build) -> None:
    number = build.fleet.drafted()

    def steps() -> Iterator[None]:
        build.write("one")
        yield
        build.write(ended=True)
        yield

    build.steps = steps()
    assert build.followed(number).uploaded == set()
    assert (build.assets(number), build.waits[-1]) == ([], PAUSE)
    assert build.said == ["GitHub allows few more requests in this hour, which the upload after the build needs"]


def test_a_fleet_whose_uploads_take_hours_uploads_early_too() -> None:
    assert reserved_requests(30, 4 * 8) < REQUESTS_AN_HOUR


def test_a_draft_that_is_gone_ends_it_with_a_sentence(build: Build) -> None:
    build.write("one")
    with pytest.raises(InputError, match="not found, or not allowed for this token"):
        build.followed("999")


def test_a_report_of_another_run_or_attempt_is_not_this_builds(build: Build) -> None:
    number = build.fleet.drafted()

    def steps() -> Iterator[None]:
        build.write(ended=True, run="6")
        yield
        build.write(ended=True, run_attempt=2)
        yield
        (build.out / "report-1.json").write_text('{"report_version": 1')
        yield
        build.write("one")
        yield
        build.write(ended=True)
        yield

    build.steps = steps()
    assert build.followed(number).uploaded == {"one"}
