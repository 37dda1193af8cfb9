"""regenerate.yml: stale files fail with the difference, or become one pull request where a token may change workflows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acts.act import Act
from tests.acts.conftest import NAME
from tests.acts.repositories import commit, copy_of_checkout, of_fleet, push, repository
from tests.github_server import GitHubServer

APP = "Iv23liExample"
MAIN = "refs/heads/main"


@pytest.fixture
def stale(tmp_path: Path, server: GitHubServer) -> Path:
    """A repository whose manifest was changed, and nothing else."""
    top = tmp_path / "repo"
    repository(copy_of_checkout(top), [of_fleet("fleet-tally")])
    slots(top, 3)
    server.add_repository(NAME, source=top)
    return top


def slots(top: Path, number: int) -> None:
    """Change and commit the manifest alone."""
    manifest = json.loads((top / "crates.json").read_text())
    manifest["fleet"]["slots"] = number
    (top / "crates.json").write_text(json.dumps(manifest, indent=2) + "\n")
    commit(top, f"Use {number} slots")


def test_without_a_token_for_workflows_the_run_fails_and_shows_the_difference(
    stale: Path, act: Act, server: GitHubServer
) -> None:
    secrets = {"GITHUB_TOKEN": server.add_token(NAME, contents="read")}
    ran = act.run(stale, "regenerate", push(stale, NAME, MAIN), secrets=secrets)
    assert ran.jobs == {"generate": "failure"}, ran.log[-5000:]
    assert "-      max-parallel: 2\n+      max-parallel: 3\n" in ran.summary("generate")
    assert "cratematrix generate" in ran.summary("generate")
    assert "::error file=.github/workflows/release.yml,line=1" in ran.log
    assert server.repository(NAME).pulls == {}


def test_with_one_it_opens_a_pull_request_and_later_brings_that_up_to_date(
    stale: Path, act: Act, server: GitHubServer
) -> None:
    """First with a person's token among the secrets, then with an app's."""
    personal = server.add_token(NAME, contents="write", pull_requests="write", workflows=True, kind="person")
    secrets = {"GITHUB_TOKEN": server.add_token(NAME, contents="read"), "REGENERATE_TOKEN": personal}
    first = act.run(stale, "regenerate", push(stale, NAME, MAIN), secrets=secrets, run=2)
    assert first.jobs == {"generate": "success"}, first.log[-5000:]
    (opened,) = server.repository(NAME).pulls.values()
    assert "max-parallel: 3" in proposed(server, opened.head)
    slots(stale, 4)
    server.repository(NAME).git.take(stale)
    second = act.run(stale, "regenerate", push(stale, NAME, MAIN), **as_app(act, server), run=3)
    assert second.jobs == {"generate": "success"}, second.log[-5000:]
    (updated,) = server.repository(NAME).pulls.values()
    assert (updated.number, updated.state, updated.base) == (opened.number, "open", "main")
    assert "max-parallel: 4" in proposed(server, updated.head)
    assert "ghs_" not in first.log + second.log
    assert personal not in first.log


def as_app(act: Act, server: GitHubServer) -> dict[str, dict[str, str]]:
    """Return the secrets and variables of a repository with an app, whose token the stand-in gives."""
    token = server.add_token(NAME, contents="write", pull_requests="write", workflows=True, kind="app")
    (act.kept / "tokens").mkdir()
    (act.kept / "tokens" / APP).write_text(token)
    own = {"GITHUB_TOKEN": server.add_token(NAME, contents="read"), "REGENERATE_APP_PRIVATE_KEY": f"key of {APP}"}
    return {"secrets": own, "variables": {"REGENERATE_APP_CLIENT_ID": APP}}


def proposed(server: GitHubServer, branch: str) -> str:
    """Return a workflow on a branch at the test server."""
    repository = server.repository(NAME)
    return repository.git.read("blob", f"refs/heads/{branch}:.github/workflows/build.yml").decode()
