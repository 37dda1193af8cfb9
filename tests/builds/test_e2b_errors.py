"""Runs at E2B with a dying server, a full disk, a killed runner, other runs, and hostile crates."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from generator.backends.e2b import e2b_environment
from generator.builds.run import RunContext, RunOptions
from generator.builds.run import build as run_build
from generator.builds.selection import select_crates
from generator.manifest.reading import load_manifest
from generator.redaction import Redactor
from generator.reports.models import CrateReport, PhaseName
from generator.sandboxes.e2b.backend import RunIdentity
from generator.sandboxes.e2b.connection import Gateway
from tests.builds.scripted import env_of, prepared, report_of, rules_for, scripted_fleet
from tests.e2b_server import E2BServer, Stall, error, html
from tests.support import COMMAND, HANGS, Ran, cratematrix, wait_until

pytestmark = pytest.mark.slow  # whole builds, most of them with time-outs that really pass

BUILD = ("build", "--all", "--backend", "e2b")


def started(top: Path, said: Path, env: dict[str, str], *words: str) -> subprocess.Popen[bytes]:
    """Start a build whose crates say "napping", and return when three do."""
    with said.open("wb") as file:
        runner = subprocess.Popen([COMMAND, *BUILD, *words], cwd=top, stderr=file, env={**os.environ, **env})
    wait_until(lambda: said.read_text().count("] napping") >= 3, "three builds that nap", 600)
    return runner


def test_the_exit_code_is_the_commands_own_when_nobody_answers(path: str, tmp_path: Path) -> None:
    """The SDK's transport aborts an interpreter that ends soon after a failed connection, but for its synchronous one."""
    top = prepared(scripted_fleet(tmp_path / "repo", 1), path)
    env = {
        "E2B_API_KEY": "e2b_0123456789",
        "E2B_API_URL": "http://127.0.0.1:9",
        "E2B_SANDBOX_URL": "http://127.0.0.1:9",
    }
    with ThreadPoolExecutor(4) as pool:
        codes = [pool.submit(cratematrix, "doctor", "--backend", "e2b", cwd=top, env=env) for _ in range(12)]
    assert [each.result().code for each in codes] == [4] * 12


def test_a_stop_ends_the_run_when_the_service_does_not_answer(path: str, tmp_path: Path) -> None:
    """The service would not answer for ever, and every build go on for an hour."""
    top = prepared(scripted_fleet(tmp_path / "repo", 3, "echo napping; sleep 3600"), path)
    with E2BServer(rules_for(top)) as server:
        runner = started(top, tmp_path / "said", env_of(server, tmp_path), "--jobs", "3")
        server.inject("*", html(502), times=1_000_000)
        runner.send_signal(signal.SIGINT)
        assert runner.wait() == 130
        server.calm()
    said = (tmp_path / "said").read_text()
    assert "a sandbox that still runs ends by itself within 600 s" in said
    assert "Traceback" not in said
    assert report_of(top)["interrupted"] is True


def test_a_server_that_dies_in_the_middle_does_not_hold_up_a_stop(path: str, tmp_path: Path) -> None:
    top = prepared(scripted_fleet(tmp_path / "repo", 3, "echo napping; sleep 3600", retries=1), path)
    with E2BServer(rules_for(top)) as server:
        runner = started(top, tmp_path / "said", env_of(server, tmp_path), "--jobs", "3")
    time.sleep(2)
    runner.send_signal(signal.SIGTERM)
    assert runner.wait() == 130
    assert [crate["state"] for crate in report_of(top)["crates"]] == ["not_run"] * 3
    assert "Traceback" not in (tmp_path / "said").read_text()


def on_a_small_disk(top: Path, place: Path, mebibytes: int, env: dict[str, str]) -> Ran:
    """Run the build with `place` on a disk of its own."""
    place.mkdir(parents=True, exist_ok=True)
    disk = ["bwrap", "--dev-bind", "/", "/", "--size", str(mebibytes << 20), "--tmpfs", str(place), "--"]
    done = subprocess.run(  # noqa: TID251
        [*disk, COMMAND, *BUILD], cwd=top, env={**os.environ, **env}, capture_output=True, text=True, timeout=HANGS, check=False
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bwrap is not installed")
@pytest.mark.parametrize("place", ["repo/dist", "cache"])
def test_a_full_disk_here_is_an_error_and_no_sandbox_runs_on(path: str, tmp_path: Path, place: str) -> None:
    """Output fills the first, sources the second."""
    top = scripted_fleet(tmp_path / "repo", 2, "head -c 8M /dev/urandom | base64; echo built", retries=5)
    if place == "cache":
        (top / "c0/big").write_bytes(os.urandom(6 << 20))
        (top / "c1/big").write_bytes(os.urandom(6 << 20))
    prepared(top, path)
    with E2BServer(rules_for(top)) as server:
        ran = on_a_small_disk(top, tmp_path / place, 4, env_of(server, tmp_path))
        assert server.running() == ()
        assert len(server.created()) <= 2
    assert ran.code in (1, 2)
    assert "No space left on device" in ran.err
    assert "Traceback" not in ran.err
    assert "a bug" not in ran.err
    assert "itself failed" not in ran.err


def test_two_runs_share_a_cache_and_an_output_directory(path: str, tmp_path: Path) -> None:
    top = prepared(scripted_fleet(tmp_path / "repo", 6, "echo built; sleep 1", slots=2), path)
    with E2BServer(rules_for(top)) as server, ThreadPoolExecutor(2) as pool:
        env = {**env_of(server, tmp_path), "GITHUB_RUN_ID": "17"}
        words = ("build", "--backend", "e2b", "--jobs", "3", "--shard")
        ran = [pool.submit(cratematrix, *words, f"{shard}/2", cwd=top, env=env) for shard in (1, 2)]
        assert [each.result().code for each in ran] == [0, 0], [each.result().err for each in ran]
        assert server.running() == ()
        assert len(server.created()) == 6
    assert sorted(file.name for file in (top / "dist").glob("*.json")) == ["report-1.json", "report-2.json"]


def test_two_kills_in_a_row_leave_nothing_that_a_reap_and_the_next_run_do_not_clear(path: str, tmp_path: Path) -> None:
    top = prepared(scripted_fleet(tmp_path / "repo", 3, 'echo napping; [ -z "$NAP" ] || sleep 3600', env=["NAP"]), path)
    with E2BServer(rules_for(top)) as server:
        env = env_of(server, tmp_path, GITHUB_RUN_ID="17", NAP="yes-a-long-one")
        for _ in range(2):
            with started(top, tmp_path / "said", env, "--jobs", "3") as runner:
                runner.kill()
        assert len(server.running()) == 6
        assert "6 sandboxes ended" in cratematrix("reap", "--run", "17", cwd=top, env=env).err
        assert server.running() == ()
        assert "0 sandboxes ended" in cratematrix("reap", "--run", "17", cwd=top, env=env).err
        again = cratematrix(*BUILD, cwd=top, env={**env, "NAP": ""})
        assert again.code == 0, again.err
    assert [left.name for left in (tmp_path / "cache/cratematrix/scratch").iterdir()] == [".lock"]


class Broken:
    """An observer with a bug."""

    def line(self, crate: str, text: str) -> None:
        """Hear nothing."""

    def phase(self, crate: str, phase: PhaseName) -> None:
        """Fail in the middle of a crate."""
        if phase == "compile":
            raise RuntimeError("a bug")

    def finished(self, report: CrateReport) -> None:
        """Hear nothing."""


def test_a_bug_in_the_middle_of_a_crate_leaves_no_sandbox(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = prepared(scripted_fleet(tmp_path / "repo", 2), path)
    monkeypatch.chdir(top)
    with E2BServer(rules_for(top)) as server:
        manifest = load_manifest(top / "crates.json")
        place = RunContext(
            top / "crates.json",
            top / "dist",
            {**os.environ, **env_of(server, tmp_path)},
            Redactor(),
            datetime(2026, 11, 28, tzinfo=UTC),
        )
        environment = partial(
            e2b_environment, manifest=manifest, run=RunIdentity("bug"), gateway=Gateway(), crates=["c0", "c1"]
        )
        report = run_build(manifest, select_crates(manifest), place, RunOptions(2), environment, Broken())
        assert len(server.created()) == 2
        assert server.running() == ()
    assert {crate.state for crate in report.crates} == {"failed"}


@pytest.mark.parametrize(
    "script",
    [
        "head -c 60M /dev/zero | tr '\\0' x",
        "head -c 3M /dev/urandom; head -c 1M /dev/urandom >&2",
        "for i in {1..20000}; do echo; echo -n; done; printf '\\e]0;x\\a\\e[2J\\r\\n'",
        "echo 'exec > /dev/null' > ~/.bash_profile; echo 0 > /build/.commands/1/end; : > /build/.commands/5/log",
    ],
)
@pytest.mark.attack("a shell that a crate took over at E2B ends no more than its crate")
def test_hostile_output_does_no_harm(path: str, tmp_path: Path, script: str) -> None:
    top = prepared(scripted_fleet(tmp_path / "repo", 1, f"{script}; echo done"), path)
    with E2BServer(rules_for(top)) as server:
        ran = cratematrix(*BUILD, cwd=top, env=env_of(server, tmp_path))
        assert server.running() == ()
    assert ran.code in (0, 1), ran.err
    log = (top / "dist/logs/c0.log").read_bytes()
    assert len(log) <= 33 << 20
    assert b"\x1b" not in log
    assert "itself failed" not in ran.err


@pytest.mark.attack("a shell that a crate took over at E2B ends no more than its crate")
def test_a_shell_that_a_crate_made_endless_ends_the_crate(path: str, tmp_path: Path) -> None:
    script = "echo yes > /tmp/home/.bash_profile; sleep 60"
    top = prepared(scripted_fleet(tmp_path / "repo", 1, script, retries=2), path)
    with E2BServer(rules_for(top)) as server:
        ran = cratematrix(*BUILD, cwd=top, env=env_of(server, tmp_path))
        assert len(server.created()) == 1
        assert server.running() == ()
    assert ran.code == 1
    assert report_of(top)["crates"][0]["failure"]["message"] == "the sandbox's response to a script is too long"


def test_stalled_streams_and_slow_answers_cost_time_and_nothing_else(path: str, tmp_path: Path) -> None:
    top = prepared(scripted_fleet(tmp_path / "repo", 2, "for i in 1 2 3; do echo $i; sleep 1; done", retries=0), path)
    with E2BServer(rules_for(top)) as server:
        server.inject("GET /sandboxes/*/metrics", error(500), times=2)
        server.inject("POST /files", Stall(3), times=2)
        server.inject("GET /files", Stall(3, after=10), times=2)
        threading.Timer(6, server.inject, ["POST /process.Process/Start", Stall(3, after=10), 3]).start()
        ran = cratematrix(*BUILD, "--jobs", "2", cwd=top, env=env_of(server, tmp_path))
        assert ran.code == 0, ran.err
    for name in ("c0", "c1"):
        log = (top / f"dist/logs/{name}.log").read_text().splitlines()
        assert [line for line in log if line in ("1", "2", "3")] == ["1", "2", "3"]
