"""Batches: crates that share a sandbox and one fetch, each with its own result."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from generator.builds.crate import ABANDONED
from tests.builds.commands import build, report
from tests.builds.scripted import env_of, prepared, report_of, rules_for, scripted_fleet
from tests.conftest import MakeRepository
from tests.e2b_server import E2BServer
from tests.support import Ran, cratematrix, entry, library, wait_until

# A crate that leaves what it can for the next one, and alters of the others what it can.
HOSTILE = r"""
touch /build/left /tmp/left /build/home/left "$CARGO_HOME/left"; mkdir -m 000 /build/locked; ln -s /build/batch /build/link
printf '[build]\nrustc = "/nothing"\n' > "$CARGO_HOME/config.toml"
for file in /build/batch/*/source/*/src/lib.rs; do echo broken > "$file" || echo "kept $file"; done
mv /build/batch /build/moved || echo "kept the directory"; (sleep 600; touch /build/late) &
"""
CLEAN = """
test -z "$(find /build /tmp /build/home "$CARGO_HOME" -maxdepth 1 \\( -name left -o -name locked -o -name link \\))"
test ! -e "$CARGO_HOME/config.toml" && test ! -e /build/target && grep -q "mod given" src/lib.rs
test "$(find /proc -maxdepth 1 -name '[0-9]*' -exec cat {}/comm \\; 2> /dev/null | grep -c sleep)" = 0
"""


def sandboxes(crates: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    return {name: [use["sandbox"] for use in crate["sandboxes"]] for name, crate in crates.items()}


def scripted(name: str, script: str, **more: Any) -> dict[str, Any]:
    return entry(name, commands={"build": script, "test": "true"}, **{"batch": "group", **more})


@pytest.mark.attack("a crate of a batch reaches neither the sources nor the packages of the others")
def test_crates_of_a_batch_share_a_sandbox_and_each_finds_its_own_files_as_they_were(
    repository: MakeRepository,
) -> None:
    names = ("attacks", "builds", "fails", "later", "other")
    files = {path: text for name in names for path, text in library(name, "mod given {}\n").items()}
    top = repository(
        [
            scripted("attacks", HOSTILE),
            scripted("builds", CLEAN),
            scripted("fails", "exit 3"),
            scripted("later", CLEAN),
            scripted("other", "true", batch="another"),
        ],
        files,
    )
    ran = build(top, "--all", "--jobs", "1")
    crates = report(top)
    log = (top / "dist/logs/attacks.log").read_text()
    assert {name: crate["state"] for name, crate in crates.items()} == {
        "attacks": "built", "builds": "built", "fails": "failed", "later": "built", "other": "built",
    }, ran.err  # fmt: skip
    assert log.count("kept /build/batch/") == 4
    assert "kept the directory" in log
    assert {crate["attempts"] for crate in crates.values()} == {1}
    failure = crates["fails"]["failure"]
    assert (failure["class"], failure["phase"], failure["exit_code"]) == ("permanent", "compile", 3)
    shared = {each for name in names[:4] for each in sandboxes(crates)[name]}
    assert len(shared) == 1
    assert shared.isdisjoint(sandboxes(crates)["other"])

    # Only what failed is built again, and needs no neighbour.
    ran = build(top, "--all")
    again = report(top)
    assert {name: crate["attempts"] for name, crate in again.items()} == {name: int(name == "fails") for name in names}
    assert {name: crate["cache_key"] for name, crate in again.items()} == {
        name: crate["cache_key"] for name, crate in crates.items()
    }


def test_a_timeout_is_of_one_crate_and_a_failed_fetch_too(repository: MakeRepository) -> None:
    files = library("slow") | library("unfetched") | library("well")
    files["unfetched/Cargo.toml"] = files["unfetched/Cargo.toml"].replace("2021", "2999")
    top = repository(
        [scripted("slow", "sleep 3600", timeout_minutes=0.1), scripted("unfetched", "true"), scripted("well", "true")],
        files,
    )
    assert build(top, "--all").code == 1
    crates = report(top)
    assert {name: (crate["failure"] or {}).get("class") for name, crate in crates.items()} == {
        "slow": "too_slow", "unfetched": "permanent", "well": None,
    }  # fmt: skip
    assert (crates["unfetched"]["failure"]["phase"], crates["unfetched"]["attempts"]) == ("fetch", 2)
    assert ABANDONED in crates["unfetched"]["notes"]
    assert (crates["well"]["state"], crates["well"]["attempts"]) == ("built", 1)


def batched(top: Path) -> Path:
    """Put all crates of a manifest into one batch."""
    manifest = json.loads((top / "crates.json").read_text())
    for crate in manifest["crates"]:
        crate["batch"] = "group"
    (top / "crates.json").write_text(json.dumps(manifest))
    return top


def test_a_batch_at_e2b_is_one_sandbox_whose_cost_its_crates_share(path: str, tmp_path: Path) -> None:
    top = prepared(batched(scripted_fleet(tmp_path / "repo", 3)), path)
    with E2BServer(rules_for(top)) as server:

        def run(*words: str) -> Ran:
            return cratematrix("build", "--all", "--backend", "e2b", *words, cwd=top, env=env_of(server, tmp_path))

        ran = run("--max-cost", "0.08")
        assert ran.code == 0, ran.err
        assert len(server.created()) == 1
        report = report_of(top)
        uses = [use for crate in report["crates"] for use in crate["sandboxes"]]
        assert len({use["sandbox"] for use in uses}) == 1
        assert report["cost"] == pytest.approx(sum(use["cost"] for use in uses), abs=1e-6)
        assert all(use["cost"] > 0 for use in uses)
        assert server.running() == ()
        assert run().code == 0
        assert len(server.created()) == 1


def test_crates_whose_sandbox_vanishes_are_built_in_their_own(path: str, tmp_path: Path) -> None:
    top = batched(scripted_fleet(tmp_path / "repo", 3, retries=1))
    manifest = json.loads((top / "crates.json").read_text())
    manifest["crates"][1]["commands"]["build"] = "if [ -e /build/batch ]; then echo napping; sleep 3600; fi"
    (top / "crates.json").write_text(json.dumps(manifest))
    prepared(top, path)
    log, words = top / "dist/logs/c1.log", ("build", "--all", "--backend", "e2b")
    with E2BServer(rules_for(top)) as server, ThreadPoolExecutor(1) as pool:
        running = pool.submit(cratematrix, *words, cwd=top, env=env_of(server, tmp_path))
        wait_until(lambda: running.done() or (log.exists() and "napping\n" in log.read_text()), "the second turn", 600)
        server.vanish(server.running()[0].id)
        ran = running.result()
        assert ran.code == 0, ran.err
        assert [record.metadata["crate"] for record in server.created()] == ["c0", "c1", "c2"]
    crates = report(top)
    assert {name: crate["attempts"] for name, crate in crates.items()} == {"c0": 1, "c1": 2, "c2": 2}
    assert [note[:30] for note in crates["c1"]["notes"] if "attempt" in note] == ["attempt 1 failed (transient): "]
    assert ABANDONED in crates["c2"]["notes"]
