"""Costs at E2B: no sandbox is opened once their limit is reached, and few jobs drive the sandboxes of all slots."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.builds.scripted import Gate, env_of, prepared, report_of, rules_for, scripted_fleet
from tests.e2b_server import E2BServer
from tests.support import Ran, cratematrix, wait_until

# The price of a sandbox of the size standard for a minute: 4 processors and 4 GiB.
MINUTE = 0.00444


def expecting(top: Path, minutes: float) -> Path:
    """Let all crates of a manifest take so many expected minutes."""
    manifest = json.loads((top / "crates.json").read_text())
    for crate in manifest["crates"]:
        crate["expected_minutes"] = minutes
    (top / "crates.json").write_text(json.dumps(manifest))
    return top


def test_nothing_is_opened_for_a_run_that_likely_costs_too_much(path: str, tmp_path: Path) -> None:
    top = prepared(expecting(scripted_fleet(tmp_path / "repo", 4), 5), path)
    with E2BServer(rules_for(top)) as server:

        def build(*words: str) -> Ran:
            return cratematrix("build", "--backend", "e2b", *words, cwd=top, env=env_of(server, tmp_path))

        ran = build("--all", "--max-cost", "0.08")
        assert ran.code == 2
        assert "sandboxes of this run cost 0.0888 likely, more than the 0.0800 USD of --max-cost" in ran.err
        ran = build("--shard", "1/2", "--max-cost", "0.08")
        assert ran.code == 2
        assert "sandboxes of this run cost 0.0444 likely, more than the 0.0400 USD of --max-cost" in ran.err
        ran = build("--shard", "1/2", "--max-cost", "nan")
        assert ran.code == 2
        assert server.created() == ()
        ran = build("--shard", "1/2", "--max-cost", "0.09")
        assert ran.code == 0, ran.err
        assert len(server.created()) == 2
        # All its crates were built before, so no sandbox is certain, and none is needed.
        ran = build("--shard", "1/2", "--max-cost", "0.01")
        assert ran.code == 0, ran.err
        assert len(server.created()) == 2


def test_the_shards_of_a_plan_share_the_amount_by_its_predictions(path: str, tmp_path: Path) -> None:
    top = prepared(expecting(scripted_fleet(tmp_path / "repo", 3), 5), path)
    minutes = {"c0": 20, "c1": 5, "c2": 5}
    measured = [
        {"name": name, "measurements": [{"seconds": 60 * each, "size": "standard", "backend": "e2b"}]}
        for name, each in minutes.items()
    ]
    (top / "measured.json").write_text(json.dumps({"report_version": 1, "crates": measured}))
    with E2BServer(rules_for(top)) as server:

        def run(*words: str) -> Ran:
            return cratematrix(*words, cwd=top, env=env_of(server, tmp_path))

        ran = run("plan", "--backend", "e2b", "--slots", "2", "--json", "--previous", "measured.json")
        assert ran.code == 0, ran.err
        (top / "plan.json").write_text(ran.out)
        assert [shard["crates"] for shard in json.loads(ran.out)["shards"]] == [["c0"], ["c1", "c2"]]
        for shard, cost, part in (("1/2", "0.0888", "0.0400"), ("2/2", "0.0444", "0.0200")):
            ran = run("build", "--backend", "e2b", "--plan", "plan.json", "--shard", shard, "--max-cost", "0.06")
            assert ran.code == 2
            assert f"sandboxes of this run cost {cost} likely, more than the {part} USD of --max-cost" in ran.err
        # A plan that takes all for unchanged knows no costs: those of the manifest count, and shards have equal parts.
        plan = json.loads((top / "plan.json").read_text())
        for each in (*plan["shards"], *plan["predictions"]):
            each["minutes" if "minutes" in each else "predicted_minutes"] = 0.0
        (top / "plan.json").write_text(json.dumps(plan))
        ran = run("build", "--backend", "e2b", "--plan", "plan.json", "--shard", "1/2", "--max-cost", "0.04")
        assert ran.code == 2
        assert "sandboxes of this run cost 0.0222 likely, more than the 0.0200 USD of --max-cost" in ran.err
        assert server.created() == ()


def test_a_run_that_costs_more_than_expected_opens_no_more_sandboxes(path: str, tmp_path: Path) -> None:
    # The first crate costs more than all three were to cost.
    top = prepared(expecting(scripted_fleet(tmp_path / "repo", 3, "sleep 2"), 0.01), path)
    with E2BServer(rules_for(top)) as server:

        def build(most: float) -> Ran:
            words = ("build", "--all", "--backend", "e2b", "--jobs", "1", "--max-cost", str(most))
            return cratematrix(*words, cwd=top, env=env_of(server, tmp_path))

        ran = build(MINUTE * 2 / 60)
        assert ran.code == 1
        assert [record.metadata["crate"] for record in server.created()] == ["c0"]
        report = report_of(top)
        assert [crate["state"] for crate in report["crates"]] == ["built", "not_run", "not_run"]
        reason = report["crates"][2]["units"][0]["reason"]
        assert reason == "another sandbox would cost more than the 0.0001 USD of --max-cost for this run"
        assert f"2 of 3 crates were not built: {reason}" in ran.err
        assert "fix: raise --max-cost" in ran.err
        assert report["cost"] > report["estimated_cost"] == 0.000044
        assert "more than the estimate of 0.0000 USD" in ran.err

        ran = build(10)
        assert ran.code == 0, ran.err
        assert sorted(record.metadata["crate"] for record in server.created()) == ["c0", "c1", "c2"]
        # The two others are expected to take as long as the first one did, which slept two seconds.
        assert report_of(top)["estimated_cost"] > 2 * MINUTE * 2 / 60 - 0.000001


def test_one_job_has_a_sandbox_for_each_of_its_slots(path: str, tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate")
    top = prepared(scripted_fleet(tmp_path / "repo", 6, gate.HOLD, backend="e2b", slots=6, jobs=2), path)
    with E2BServer(rules_for(top), binds=gate.binds) as server, ThreadPoolExecutor(1) as pool:
        words = ("build", "--shard", "2/2", "--backend", "e2b")
        run = pool.submit(cratematrix, *words, cwd=top, env=env_of(server, tmp_path))
        try:
            wait_until(lambda: len(server.running()) == 3 or run.done(), "three sandboxes at once", 600)
        finally:
            gate.open()
        ran = run.result()
        assert ran.code == 0, ran.err
        assert sorted(record.metadata["crate"] for record in server.created()) == ["c3", "c4", "c5"]
