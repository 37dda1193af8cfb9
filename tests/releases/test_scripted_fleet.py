"""Releases of a fleet of scripted builds, through the real commands: each job on a machine of its own, with the action's steps.

`make fleet` runs them with 110 crates; without FLEET_CRATES they have a few.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from generator.manifest.reading import load_manifest
from generator.markdown import code
from generator.planning.limits import jobs_at_once
from generator.reports.models import Report
from generator.toolchain.host import find_host_toolchain
from generator.toolchain.mounts import Bind
from tests.builds.scripted import (
    NPM,
    Gate,
    env_of,
    prepared,
    rules_for,
    scripted_fleet,
    scripted_npm,
    scripted_programs,
)
from tests.e2b_server import E2BServer
from tests.github_server import Asset, GitHubServer, Release, Rules
from tests.github_server.starting import StartServer
from tests.support import COMMAND, Ran, cratematrix, wait_until

COUNT = int(os.environ.get("FLEET_CRATES", "4"))
KILLS = 10 if COUNT >= 110 else 2
BROKEN = tuple(f"c{number}" for number in range(40, 43) if number < COUNT) or ("c1",)
SLOW = [f"c{number}" for number in range(COUNT - min(COUNT // 2, 10), COUNT)]
REASON = "its author ports it to tokio 2"


@dataclass
class Fleet:
    """A repository at E2B and GitHub, and the machines of its jobs in directories beside it."""

    top: Path
    e2b: E2BServer
    github: GitHubServer
    seen: int = field(default=0)

    def run(self, machine: str, *words: str | Path) -> Ran:
        return cratematrix(*words, cwd=self.top, env=self.environment(machine))

    def environment(self, machine: str) -> dict[str, str]:
        return {**self.github.environment, **env_of(self.e2b, self.top.parent / machine)}

    def out(self, machine: str) -> Path:
        return self.top.parent / machine / "dist"

    def prepared(self, tag: str) -> str:
        ran = self.run("prepare", "release", "prepare", "--tag", tag, "--previous", "../previous.json")
        assert ran.code == 0, ran.err
        return ran.out.strip()

    def planned(self) -> Ran:
        """Plan the builds as the workflow does."""
        words = ("plan", "--previous", "../previous.json", "--skip-unchanged", "--max-cost", "0.03", "--json")
        ran = self.run("prepare", *words)
        (self.top.parent / "plan.json").write_text(ran.out)
        return ran

    def build_words(self, machine: str) -> tuple[str | Path, ...]:
        earlier = self.out(machine).with_name("earlier")
        words = ("build", "--shard", "1/1", "--backend", "e2b", "--jobs", "20", "--previous", "../previous.json")
        return (*words, "--reuse", earlier, "--out", self.out(machine))

    def resume(self, number: str, machine: str) -> None:
        earlier = self.out(machine).with_name("earlier")
        ran = self.run(machine, "release", "resume", "--release-id", number, "--shard", "1/1", "--out", earlier)
        assert ran.code == 0, ran.err

    def upload(self, number: str, machine: str) -> Ran:
        words = ("--release-id", number, "--writes-per-minute", "6000", "--out", self.out(machine))
        ran = self.run(machine, "release", "upload", *words)
        assert ran.code == 0, ran.err
        return ran

    def job(self, number: str, machine: str, *words: str, exit_code: int = 0) -> Ran:
        """Run the steps of a job: resume, build, upload."""
        self.resume(number, machine)
        ran = self.run(machine, *self.build_words(machine), *words)
        assert ran.code == exit_code, ran.err[-5_000:]
        self.upload(number, machine)
        return ran

    def stopped(self, machine: str, how: signal.Signals, when: Callable[[], object]) -> str:
        """Start a build, send it a signal at a moment at which it has a sandbox, and return the ID of its run."""
        self.out(machine).parent.mkdir(exist_ok=True)
        with self.out(machine).with_name("said").open("w+") as said:
            argv = [COMMAND, *map(str, self.build_words(machine))]
            env = {**os.environ, **self.environment(machine)}
            build = subprocess.Popen(argv, cwd=self.top, env=env, stderr=said)
            wait_until(
                lambda: build.poll() is not None or (when() and self.e2b.running()), "the moment of a signal", 3_600
            )
            build.send_signal(how)
            assert build.wait() in (0, 130, -how)
            said.seek(0)
            return said.read().split(maxsplit=2)[1].rstrip(";")

    def lost(self, number: str, machine: str, when: Callable[[], bool]) -> None:
        """Build and upload at the same time, as the action does; then the machine is lost, with all that it has."""
        out, env = self.out(machine), {**os.environ, **self.environment(machine), "GITHUB_RUN_ID": "77"}
        out.mkdir(parents=True, exist_ok=True)
        upload = ("release", "upload", "--release-id", number, "--during-build", "1/1", "--writes-per-minute", "6000")
        with out.with_name("said").open("w+") as said:
            running = [
                subprocess.Popen([COMMAND, *map(str, words)], cwd=self.top, env=env, stdout=said, stderr=said)
                for words in ((*upload, "--out", out), self.build_words(machine))
            ]
            wait_until(lambda: when() or any(each.poll() is not None for each in running), "uploads", 3_600)
            ended = [each.poll() for each in running]
            for each in running:
                each.kill()
                each.wait()
            said.seek(0)
            assert ended == [None, None], said.read()[-5_000:]
        shutil.rmtree(out.parent)

    def publish(self, number: str, machine: str, *words: str | Path) -> Ran:
        return self.run(machine, "release", "publish", "--release-id", number, "--out", self.out(machine), *words)

    def sandboxes(self) -> list[str]:
        """Return the crates of the sandboxes since the last call."""
        found = [record.metadata["crate"] for record in self.e2b.created()[self.seen :]]
        self.seen += len(found)
        return sorted(found)

    def release(self, number: str) -> Release:
        return self.github.repository().releases[int(number)]

    def report(self, machine: str) -> Report:
        return Report.model_validate_json((self.out(machine) / "report-1.json").read_text())

    def stored(self, machine: str) -> set[str]:
        """Return the crates whose builds are finished on a machine."""
        return {path.stem for path in (self.out(machine).parent / "cache/cratematrix/builds").glob("*/*.json")}


@pytest.fixture
def path() -> str:
    """PATH inside of the test server's sandboxes."""
    return find_host_toolchain(os.environ).path


@pytest.fixture
def fleet(path: str, tmp_path: Path, start_server: StartServer) -> Iterator[Fleet]:
    top = scripted_programs(tmp_path / "repo", COUNT, retries=0, slots=1, backend="e2b")
    yield from started(top, path, tmp_path, start_server)


def started(
    top: Path, path: str, tmp_path: Path, start_server: StartServer, binds: tuple[Bind, ...] = ()
) -> Iterator[Fleet]:
    commit(prepared(top, f"{NPM}:{path}"))
    with E2BServer(rules_for(top), binds=[scripted_npm(tmp_path / "npm"), *binds]) as e2b:
        yield Fleet(top, e2b, start_server(Rules(limits=False), top))


def commit(top: Path) -> None:
    git = ["git", "-c", "user.name=name", "-c", "user.email=name@localhost", "-C", str(top)]
    for words in (["add", "."], ["commit", "--quiet", "-m", "Commit"]):
        subprocess.run([*git, *words], check=True)  # noqa: TID251


def change(top: Path, crate: str) -> None:
    (top / crate / "src/main.rs").write_text("// changed\n")


def recorded(release: Release) -> list[Asset]:
    return [asset for asset in release.assets.values() if asset.name.startswith("record-1-of-1-")]


def test_a_release_builds_what_changed_since_the_one_before_and_has_every_package(fleet: Fleet) -> None:
    everything = sorted(f"c{number}" for number in range(COUNT))
    number = fleet.prepared("v1.0.0")
    fleet.job(number, "first")
    assert fleet.sandboxes() == everything
    assert recorded(fleet.release(number))
    assert fleet.publish(number, "first").code == 0
    assert len(fleet.release(number).assets) == COUNT + 2
    ran = fleet.run("anybody", "release", "verify", "--tag", "v1.0.0")
    assert ran.err == f"v1.0.0: {COUNT} packages, all verified\n"

    change(fleet.top, "c2")
    number = fleet.prepared("v1.1.0")
    ran = fleet.planned()
    assert ran.code == 0, ran.err
    assert f"1 of {COUNT} crates to build; {COUNT - 1} unchanged since v1.0.0\n" in ran.err
    assert f"a release: {COUNT + 4} assets of 1,000, {COUNT - 1} of unchanged crates; " in ran.err
    ran = fleet.job(number, "second", "--plan", "../plan.json")
    assert fleet.sandboxes() == ["c2"]
    assert f"{COUNT - 1} crates not built again: unchanged since v1.0.0" in ran.err
    assert fleet.publish(number, "second").code == 0
    ran = fleet.run("anybody", "release", "verify", "--tag", "v1.1.0")
    assert ran.err == f"v1.1.0: {COUNT} packages, all verified\n"

    number = fleet.prepared("v1.2.0")
    fleet.job(number, "third")
    assert fleet.sandboxes() == []
    ran = fleet.publish(number, "third", "--unless-unchanged")
    assert ran.err == f"nothing changed since v1.1.0, so the draft {number} is removed\n"
    assert [release.tag for release in fleet.github.repository().releases.values()] == ["v1.0.0", "v1.1.0"]

    number = fleet.prepared("v1.2.0")
    fleet.job(number, "third")
    assert fleet.sandboxes() == []
    assert fleet.publish(number, "third").code == 0
    ran = fleet.run("anybody", "release", "verify", "--tag", "v1.2.0")
    assert ran.err == f"v1.2.0: {COUNT} packages, all verified\n"


def test_jobs_that_are_cancelled_or_killed_at_random_build_no_crate_twice(fleet: Fleet) -> None:
    """A cancelled job uploads what it has built, and the next one is on another machine. A killed one has only its disk."""
    number, finished, machine = fleet.prepared("v1.0.0"), set[str](), "machine-0"
    moments = random.Random(14).sample(range(COUNT), KILLS)  # noqa: S311  the same ones in each run
    for turn, moment in enumerate(sorted(moments)):
        how = (signal.SIGINT, signal.SIGKILL)[turn % 2]
        fleet.resume(number, machine)
        run = fleet.stopped(machine, how, lambda: len(fleet.stored(machine) | finished) >= moment)  # noqa: B023
        again = finished & set(fleet.sandboxes())
        assert not again, f"attempt {turn} built {sorted(again)} twice"
        finished |= fleet.stored(machine)
        if how == signal.SIGKILL:
            assert fleet.run(machine, "reap", "--run", run).code == 0
        else:
            fleet.upload(number, machine)
            machine = f"machine-{turn + 1}"
    print(f"{KILLS} attempts were stopped; {len(finished)} of {COUNT} crates were finished then")  # noqa: T201
    fleet.job(number, machine)
    assert not finished & set(fleet.sandboxes())
    assert {crate.state for crate in fleet.report(machine).crates} == {"built"}
    assert fleet.e2b.running() == ()
    ran = fleet.publish(number, machine)
    assert ran.code == 0, ran.err
    ran = fleet.run("anybody", "release", "verify", "--tag", "v1.0.0")
    assert ran.err == f"v1.0.0: {COUNT} packages, all verified\n"


@pytest.fixture
def gated(path: str, tmp_path: Path, start_server: StartServer) -> Iterator[tuple[Fleet, Gate]]:
    """A fleet whose last crates are not built before the gate is open."""
    gate = Gate(tmp_path / "gate")
    build = f'case " {" ".join(SLOW)} " in *" $(basename "$PWD") "*) {Gate.HOLD};; esac'
    top = scripted_programs(tmp_path / "repo", COUNT, build, retries=0, slots=1, backend="e2b")
    for fleet in started(top, path, tmp_path, start_server, gate.binds):
        yield fleet, gate


def test_a_lost_machine_costs_only_the_crates_that_were_not_on_the_draft(gated: tuple[Fleet, Gate]) -> None:
    """Two machines are lost, the second one before it has finished any crate itself; a third one goes on."""
    fleet, gate = gated
    number = fleet.prepared("v1.0.0")
    release, quick = fleet.release(number), [f"c{index}" for index in range(COUNT - len(SLOW))]

    def are_uploaded() -> bool:
        assets = [release.named(f"f-{name}-1.0.0.tgz") for name in quick]
        return all(asset and asset.state == "uploaded" for asset in assets)

    fleet.lost(number, "first", are_uploaded)
    assert fleet.sandboxes() == sorted([*quick, *SLOW])
    fleet.resume(number, "second")
    fleet.lost(number, "second", lambda: len(fleet.e2b.created()) == COUNT + len(SLOW))
    assert fleet.sandboxes() == sorted(SLOW)
    gate.open()
    ran = fleet.job(number, "third")
    assert fleet.sandboxes() == sorted(SLOW)
    assert ran.err.count("reused from an earlier run") == len(quick)
    ran = fleet.publish(number, "third")
    assert ran.code == 0, ran.err
    ran = fleet.run("anybody", "release", "verify", "--tag", "v1.0.0")
    assert ran.err == f"v1.0.0: {COUNT} packages, all verified\n"


def test_a_wrong_or_missing_package_of_the_draft_is_built_again(fleet: Fleet) -> None:
    number = fleet.prepared("v1.0.0")
    fleet.job(number, "first")
    fleet.sandboxes()
    release = fleet.release(number)
    wrong, gone = (release.named(f"f-{name}-1.0.0.tgz") for name in ("c0", "c1"))
    assert wrong is not None
    assert gone is not None
    stored = fleet.github._api.assets.path(wrong)
    stored.write_bytes(stored.read_bytes().swapcase())
    del release.assets[gone.id]
    change(fleet.top, "c3")
    ran = fleet.job(number, "second")
    assert fleet.sandboxes() == ["c0", "c1", "c3"]
    assert {crate.name: crate.attempts for crate in fleet.report("second").crates}["c2"] == 0
    assert ran.err.count("reused from an earlier run") == COUNT - 3
    (record,) = recorded(release)
    fleet.github._api.assets.path(record).write_bytes(b"x" * record.size)
    ran = fleet.run("third", "release", "resume", "--release-id", number, "--shard", "1/1", "--out", "../third")
    assert (ran.code, ran.err.splitlines()) == (
        0,
        [
            f"nothing is taken from {record.name} on the draft: {record.name} has a different SHA-256 on the release",
            f"0 crates of shard 1/1 on the draft {number}, verified",
        ],
    )


def test_broken_crates_keep_a_draft_until_they_are_in_quarantine(
    path: str, tmp_path: Path, start_server: StartServer
) -> None:
    top = scripted_programs(tmp_path / "repo", COUNT, retries=0, slots=1, backend="e2b")
    manifest = json.loads((top / "crates.json").read_text())
    for crate in manifest["crates"]:
        if crate["name"] in BROKEN:
            crate["commands"].pop("build")
            (top / crate["name"] / "src/main.rs").write_text('fn main() {\n    let _: u8 = "1";\n}\n')
    (top / "crates.json").write_text(json.dumps(manifest))
    for fleet in started(top, path, tmp_path, start_server):
        number = fleet.prepared("v1.0.0")
        fleet.job(number, "first", exit_code=1)
        ran = fleet.publish(number, "first")
        line = "mismatched types (E0308)"
        failed = [f"f-{name}-1.0.0.tgz is expected, but {name} is failed: {line}" for name in sorted(BROKEN)]
        assert (ran.code, ran.err.splitlines()) == (
            1,
            [
                *failed,
                f"error: release {number} of v1.0.0 does not have the expected assets; it stays a draft",
                "  fix: build and upload missing packages, delete unexpected assets, and publish again",
            ],
        )
        assert fleet.release(number).draft

        quarantined = top / "quarantined.json"
        quarantined.write_text(json.dumps(with_quarantine(manifest)))
        ran = fleet.publish(number, "first", "--manifest", quarantined)
        without = [f"without {name}, in quarantine until 9999-12-31: {REASON}" for name in sorted(BROKEN)]
        assert (ran.code, ran.err.splitlines()) == (0, [*without, "v1.0.0: complete, and published"])
        text = fleet.release(number).body or ""
        for name in BROKEN:
            assert f"\n  - {code(f'{name}/src/main.rs:2: {line}')}\n" in text
        ran = fleet.run("anybody", "release", "verify", "--tag", "v1.0.0", "--manifest", quarantined)
        absent, names = COUNT - len(BROKEN), ", ".join(sorted(BROKEN))
        assert ran.err == f"v1.0.0: {absent} packages, all verified; without {names} in quarantine\n"


def with_quarantine(manifest: dict[str, Any]) -> dict[str, Any]:
    quarantine = {"quarantine": {"reason": REASON, "until": "9999-12-31"}}
    return {
        **manifest,
        "crates": [each | (quarantine if each["name"] in BROKEN else {}) for each in manifest["crates"]],
    }


def test_jobs_together_keep_the_limits_of_the_hobby_plan(path: str, tmp_path: Path) -> None:
    """As many jobs at once as the workflow lets run; no create is refused twice."""
    slots = min(30, COUNT)
    hobby = {"e2b_sandboxes": min(20, slots - 1), "e2b_creates_per_second": 1}
    top = prepared(scripted_fleet(tmp_path / "repo", COUNT, slots=slots, backend="e2b", limits=hobby), path)
    manifest = load_manifest(top / "crates.json")
    (tmp_path / "plan.json").write_text(cratematrix("plan", "--backend", "e2b", "--json", cwd=top).out)
    limits = {"max_sandboxes": hobby["e2b_sandboxes"], "creates_per_second": 1}
    with E2BServer(rules_for(top, **limits)) as server:

        def job(index: int) -> int:
            argv = [
                COMMAND,
                "build",
                "--backend",
                "e2b",
                "--shard",
                f"{index}/{slots}",
                "--plan",
                "../plan.json",
                "--out",
                f"../dist-{index}",
            ]
            env = {**os.environ, **env_of(server, tmp_path / f"home-{index}")}
            with (tmp_path / f"said-{index}").open("w") as said:
                return subprocess.run(argv, cwd=top, env=env, stdout=said, stderr=said, check=False).returncode  # noqa: TID251

        with ThreadPoolExecutor(jobs_at_once(manifest.fleet, "e2b", slots)) as pool:
            codes = list(pool.map(job, range(1, slots + 1)))
        creates = [seen for seen in server.requests if (seen.method, seen.path) == ("POST", "/v2/sandboxes")]
    assert codes == [0] * slots
    refused = Counter(seen.headers["idempotency-key"] for seen in creates if seen.status == 429)
    assert max(refused.values(), default=0) <= 1
    reports = [json.loads(file.read_text()) for file in tmp_path.glob("dist-*/report-*.json")]
    states = Counter(crate["state"] for report in reports for crate in report["crates"])
    assert states == {"built": COUNT}
    print(f"{len(creates)} creates, {refused.total()} answered with 429")  # noqa: T201
