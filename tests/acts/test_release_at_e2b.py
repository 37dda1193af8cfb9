"""release.yml with its builds at E2B: what did not change since the release before has no sandbox, but every package.

`make fleet` runs it with 110 crates; without FLEET_CRATES they are three.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from generator.toolchain.host import find_host_toolchain
from tests.acts.act import Act, Ran
from tests.acts.conftest import NAME
from tests.acts.repositories import commit, copy_of_checkout, git, push, repository
from tests.builds.scripted import NPM, prepared, rules_for, scripted_npm, scripted_programs
from tests.e2b_server import E2BServer
from tests.github_server import GitHubServer

COUNT = int(os.environ.get("FLEET_CRATES", "3"))
JOBS = 2 if COUNT >= 110 else 1
ACTION = "octo-org/cratematrix"


@dataclass
class Fleet:
    """A repository, and what its releases get from E2B and leave at GitHub."""

    top: Path
    act: Act
    github: GitHubServer
    e2b: E2BServer
    runs: int = 0

    def release(self, tag: str) -> tuple[list[str], Ran]:
        """Push a tag, and return the crates that got sandboxes."""
        git(self.top, "tag", tag)
        self.github.repository(NAME).git.take(self.top)
        seen, self.runs = len(self.e2b.created()), self.runs + 1
        token = self.github.add_token(NAME, contents="write")
        secrets = {"GITHUB_TOKEN": token, "E2B_API_KEY": self.e2b.rules.api_key}
        event = push(self.top, NAME, f"refs/tags/{tag}")
        ran = self.act.run(self.top, "release", event, secrets=secrets, run=self.runs)
        assert ran.code == 0, ran.log[-5_000:]
        assert f"{tag}: {COUNT} packages, all verified" in ran.said("publish")
        assert self.e2b.running() == ()
        return sorted(record.metadata["crate"] for record in self.e2b.created()[seen:]), ran

    def packages(self, tag: str) -> dict[str, str | None]:
        """Return the packages of a published release with their digests."""
        (found,) = (each for each in self.github.repository(NAME).releases.values() if each.tag == tag)
        assert not found.draft
        return {asset.name: asset.sha256 for asset in found.assets.values() if asset.name.endswith(".tgz")}


@pytest.fixture
def fleet(top: Path, act: Act, server: GitHubServer, tmp_path: Path) -> Iterator[Fleet]:
    """A repository whose manifest has the addresses of a service of its own, as that of a self-hosted E2B does."""
    prepared(scripted_programs(top, COUNT), f"{NPM}:{find_host_toolchain(os.environ).path}")
    crates = json.loads((top / "crates.json").read_text())["crates"]
    with E2BServer(rules_for(top), binds=[scripted_npm(tmp_path / "npm")]) as e2b:
        addresses = {"api_url": e2b.url, "sandbox_url": e2b.url}
        limits = {"e2b_sandboxes": 30, "e2b_creates_per_second": 100}
        at_e2b = {"backend": "e2b", "e2b": addresses, "limits": limits, "slots": min(20, COUNT), "jobs": JOBS}
        repository(top, crates, action=f"{ACTION}@v1", **at_e2b)
        server.add_repository(NAME, source=top)
        checkout = copy_of_checkout(tmp_path / "action")
        yield Fleet(top, replace(act, actions={f"{ACTION}@v1": checkout}), server, e2b)


def test_each_release_builds_what_changed_and_has_every_package(fleet: Fleet) -> None:
    everything = sorted(f"c{number}" for number in range(COUNT))
    built, first = fleet.release("v1.0.0")
    assert built == everything
    jobs = dict.fromkeys(("prepare", "build", "publish", "report"), "success")
    assert (first.jobs, len(first.legs("build"))) == (jobs, JOBS)
    packages = fleet.packages("v1.0.0")
    assert sorted(packages) == sorted(f"fleet-{name}-1.0.0.tgz" for name in everything)

    (fleet.top / "c2/src/main.rs").write_text("// changed\n")
    commit(fleet.top, "Change c2")
    built, _ = fleet.release("v1.1.0")
    assert built == ["c2"]
    assert fleet.packages("v1.1.0").keys() == packages.keys()

    commit(fleet.top, "Change nothing")
    built, _ = fleet.release("v1.2.0")
    assert built == []
    assert fleet.packages("v1.2.0") == fleet.packages("v1.1.0")
