"""`build --backend e2b` through the unmodified SDK, against a server that runs commands for real."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.builds.scripted import env_of, prepared, report_of, rules_for, scripted_fleet
from tests.e2b_server import E2BServer, Faults, LoseReply
from tests.support import COMMAND, Ran, cratematrix, wait_until

pytestmark = pytest.mark.slow  # whole builds, most of them with time-outs that really pass


@pytest.mark.rush
@pytest.mark.parametrize("seed", range(int(os.environ.get("CHAOS_SEEDS", "1"))))
def test_a_fleet_of_110_survives_a_bad_day(path: str, tmp_path: Path, seed: int) -> None:
    """3 % of sandboxes vanish, 5 % of calls fail, 429s, dropped and stalled streams: each crate is done, exactly once."""
    top = prepared(scripted_fleet(tmp_path / "repo", 110, "echo one; sleep 0.3; echo two", retries=5, slots=30), path)
    with E2BServer(rules_for(top, max_sandboxes=25)) as server:
        server.faults = Faults(
            seed,
            vanish=0.03,
            vanish_within=4,
            server_error=0.05,
            too_many=0.02,
            drop=0.03,
            lost_create=0.03,
            stall=0.005,
            truncate=0.05,
            slow_create=0.03,
        )
        ran = cratematrix("build", "--all", "--backend", "e2b", "--jobs", "30", cwd=top, env=env_of(server, tmp_path))
        left = server.running()
        created = server.created()
    report = report_of(top)
    assert ran.code == 0, [(crate["name"], crate["failure"]) for crate in report["crates"] if crate["state"] != "built"]
    assert [crate["state"] for crate in report["crates"]] == ["built"] * 110
    assert left == ()
    retried = {crate["name"]: crate["attempts"] - 1 for crate in report["crates"] if crate["attempts"] > 1}
    for crate in report["crates"]:
        told = [note for note in crate["notes"] if note.startswith("attempt ")]
        assert len(told) == crate["attempts"] - 1
        log = (top / f"dist/logs/{crate['name']}.log").read_text().splitlines()
        assert log.count("two") - log.count("one") <= 0
        assert log.count("two") >= 1
    tries = sorted((record.metadata["crate"], record.metadata["try"]) for record in created)
    assert len(tries) == len(set(tries)), "a create was placed twice"
    assert len(created) <= 110 + sum(retried.values())


def test_a_lost_reply_to_a_create_leads_to_one_sandbox(path: str, tmp_path: Path) -> None:
    top = prepared(scripted_fleet(tmp_path / "repo", 1), path)
    with E2BServer(rules_for(top)) as server:
        server.inject("POST /v2/sandboxes", LoseReply(), times=2)
        ran = cratematrix("build", "--all", "--backend", "e2b", cwd=top, env=env_of(server, tmp_path))
        assert ran.code == 0, ran.err
        assert len(server.created()) == 1
        assert server.running() == ()


def killed_in_the_middle(top: Path, server: E2BServer, tmp_path: Path, number: int) -> str:
    """Start a build, kill it with signal `number` when its sandboxes work, and return the run's name."""
    with (tmp_path / "said").open("w+") as said:
        runner = subprocess.Popen(
            [COMMAND, "build", "--all", "--backend", "e2b", "--jobs", "3"], cwd=top, stderr=said,
            env={**os.environ, **env_of(server, tmp_path)},
        )  # fmt: skip
        before = {record.id for record in server.running()}
        wait_until(
            lambda: (
                "napping" in (tmp_path / "said").read_text()
                and len({record.id for record in server.running()} - before) == 3
            ),
            "three sandboxes, and one that naps",
            600,
        )
        runner.send_signal(number)
        runner.wait()
        assert runner.returncode == (-9 if number == signal.SIGKILL else 130)
    return (tmp_path / "said").read_text().split(maxsplit=2)[1].rstrip(";")


def test_what_a_killed_runner_leaves_is_reaped_and_nothing_else(path: str, tmp_path: Path) -> None:
    top = prepared(scripted_fleet(tmp_path / "repo", 3, "echo napping; sleep 3600"), path)
    with E2BServer(rules_for(top)) as server:
        first = killed_in_the_middle(top, server, tmp_path, signal.SIGKILL)
        other = {record.id for record in server.running()}
        run = killed_in_the_middle(top, server, tmp_path, signal.SIGKILL)
        assert run != first
        assert len(server.running()) == 6
        ran = cratematrix("reap", "--run", run, cwd=top, env=env_of(server, tmp_path))
        assert ran.code == 0, ran.err
        assert "3 sandboxes ended" in ran.err
        assert {record.id for record in server.running()} == other


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_leaves_nothing_running(path: str, tmp_path: Path, number: int) -> None:
    top = prepared(scripted_fleet(tmp_path / "repo", 3, "echo napping; sleep 3600"), path)
    with E2BServer(rules_for(top)) as server:
        killed_in_the_middle(top, server, tmp_path, number)
        assert server.running() == ()


def test_exactly_the_failed_sandboxes_are_kept(path: str, tmp_path: Path) -> None:
    top = scripted_fleet(tmp_path / "repo", 2)
    manifest = json.loads((top / "crates.json").read_text())
    manifest["crates"][1]["commands"]["build"] = "echo 'error: no' >&2; exit 1"
    (top / "crates.json").write_text(json.dumps(manifest))
    prepared(top, path)
    with E2BServer(rules_for(top)) as server:
        ran = cratematrix("build", "--all", "--backend", "e2b", "--keep-failed", cwd=top, env=env_of(server, tmp_path))
        assert ran.code == 1
        (kept,) = server.running()
        assert kept.metadata["crate"] == "c1"
        assert f"npx @e2b/cli sandbox connect {kept.id}" in ran.err


def test_bad_settings_are_errors_before_anything_starts(path: str, tmp_path: Path) -> None:
    top = prepared(scripted_fleet(tmp_path / "repo", 1), path)
    ran: Ran = cratematrix("build", "--all", "--backend", "e2b", cwd=top, env={"E2B_API_KEY": ""})
    assert ran.code == 2
    assert "E2B_API_KEY is not set" in ran.err
