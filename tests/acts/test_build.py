"""build.yml: exactly the affected crates are built, and one gate job has the result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.acts.act import Act
from tests.acts.conftest import NAME
from tests.acts.repositories import (
    commit,
    copy_of_checkout,
    from_dependabot,
    from_fork,
    git,
    in_queue,
    of_fleet,
    push,
    repository,
)
from tests.github_server import GitHubServer


@pytest.fixture(scope="module")
def fleet(top: Path, server: GitHubServer) -> Path:
    """tally, cli which depends on it, and a crate whose tests fail."""
    crates = [of_fleet("fleet-tally"), of_fleet("fleet-cli", depends_on=["fleet-tally"]), of_fleet("fleet-failing")]
    repository(copy_of_checkout(top), crates)
    server.add_repository(NAME, source=top)
    return top


@pytest.fixture(scope="module")
def secrets(fleet: Path, server: GitHubServer) -> dict[str, str]:
    """The secrets of a job: a token with read access."""
    return {"GITHUB_TOKEN": server.add_token(NAME, contents="read")}


def change(top: Path, path: str) -> tuple[str, str]:
    """Commit a change of one file; return the commits before and after."""
    before = git(top, "rev-parse", "HEAD")
    (top / path).write_text((top / path).read_text() + "\n// One line more.\n")
    return before, commit(top, f"Change {path}")


def report(act: Act, run: int) -> Any:
    """Return the report of a whole run."""
    (path,) = (act.kept / f"artifacts/{run}").glob("fleet-report-*/report.json")
    return json.loads(path.read_text())


def built(act: Act, run: int) -> dict[str, str]:
    """Return the state of every crate of a run."""
    return {crate["name"]: crate["state"] for crate in report(act, run)["crates"]}


def times(act: Act) -> dict[str, list[str]]:
    """Return the crates of each cache of measured times."""
    files = {path.parts[-3]: path for path in (act.kept / "caches").glob("*/dist/report.json")}
    crates = {name: json.loads(path.read_text())["crates"] for name, path in files.items()}
    return {name: [crate["name"] for crate in found if crate["measurements"]] for name, found in crates.items()}


def test_a_push_that_changes_one_crate_builds_it_and_its_dependents(
    fleet: Path, act: Act, secrets: dict[str, str]
) -> None:
    before, _ = change(fleet, "tests/fleet/crates/tally/src/lib.rs")
    ran = act.run(fleet, "build", push(fleet, NAME, "refs/heads/main", before), secrets=secrets, run=1)
    assert ran.jobs == dict.fromkeys(("plan", "build", "report", "gate"), "success"), ran.log[-5000:]
    assert [leg["shard"] for leg in ran.legs("build")] == ["1/2", "2/2"]
    assert built(act, 1) == {"fleet-tally": "built", "fleet-cli": "built"}
    (cli,) = (crate for crate in report(act, 1)["crates"] if crate["name"] == "fleet-cli")
    assert cli["units"][0]["audit"][0]["glibc"] in ("2.16", "2.17"), (
        "zig links for an old glibc, cc for the runner's own"
    )
    packages = (act.kept / "artifacts/1").glob("packages-*/*.tgz")
    assert [path.name for path in packages] == ["fleet-fleet-cli-1.0.0.tgz"]
    assert times(act) == {"cratematrix-crates.json-1-1": ["fleet-cli", "fleet-tally"]}
    builds = act.kept / "caches/cratematrix-builds-crates.json-push-1-1/temp/builds"
    assert sorted(path.name for path in builds.iterdir()) == ["fleet-cli", "fleet-tally"]


def test_a_push_that_changes_nothing_of_the_fleet_builds_nothing_and_passes(
    fleet: Path, act: Act, secrets: dict[str, str]
) -> None:
    before, _ = change(fleet, "CONTRIBUTING.md")
    ran = act.run(fleet, "build", push(fleet, NAME, "refs/heads/main", before), secrets=secrets, run=2)
    assert ran.jobs == {"plan": "success", "gate": "success"}, ran.log[-5000:]
    assert ran.outputs("plan")["count"] == "0"


def test_a_failing_crate_in_the_merge_queue_shuts_the_gate(fleet: Path, act: Act, secrets: dict[str, str]) -> None:
    before, _ = change(fleet, "tests/fleet/crates/failing/src/lib.rs")
    ran = act.run(fleet, "build", in_queue(fleet, NAME, before), secrets=secrets, run=3)
    assert ran.jobs == {"plan": "success", "build": "failure", "report": "failure", "gate": "failure"}, ran.log[-5000:]
    assert built(act, 3) == {"fleet-failing": "failed"}
    assert "::error file=tests/fleet/crates/failing/src/lib.rs,line=23" in ran.said("build")
    assert "1 failed" in ran.summary("report")


@pytest.mark.parametrize(("event", "run"), [(from_fork, 4), (from_dependabot, 5)], ids=["fork", "Dependabot"])
def test_a_pull_request_without_secrets_builds_on_the_runner_and_uploads_nothing(
    fleet: Path, act: Act, server: GitHubServer, secrets: dict[str, str], event: Any, run: int
) -> None:
    """The manifest has the backend e2b; such a pull request has no key, and its token can only read."""
    repository(fleet, json.loads((fleet / "crates.json").read_text())["crates"], backend="e2b")
    before, _ = change(fleet, "tests/fleet/crates/cli/src/main.rs")
    asked = len(server.requests)
    ran = act.run(fleet, "build", event(fleet, NAME, before), secrets=secrets, run=run)
    assert ran.jobs == dict.fromkeys(("plan", "build", "report", "gate"), "success"), ran.log[-5000:]
    assert (report(act, run)["backend"], built(act, run)) == ("local", {"fleet-cli": "built"})
    assert "The secret E2B_API_KEY is empty here" in ran.said("plan")
    assert not any(name.startswith(f"cratematrix-crates.json-{run}-") for name in times(act))
    assert not {"Upload", "Kill leftover sandboxes"} & {*ran.steps("build")}
    assert server.requests[asked:] == []
