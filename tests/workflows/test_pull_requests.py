"""`generate --pull-request` in the checkout of a job, against the GitHub test server."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.workflows.proposal import BRANCH
from tests.conftest import MakeRepository
from tests.github_server import GitHubServer, LoseReply, html
from tests.support import Ran, cratematrix, entry, library

NAME = "octo-org/stale"
PULLS = f"/repos/{NAME}/pulls"


def git(top: Path, *words: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    done = subprocess.run(["git", *identity, *words], cwd=top, check=True, capture_output=True, text=True)  # noqa: TID251
    return done.stdout.strip()


class Job:
    """A job with a token, and a checkout with stale generated files that GitHub has, too."""

    def __init__(self, top: Path, server: GitHubServer) -> None:
        self.top, self.server = top, server
        assert cratematrix("generate", cwd=top).code == 0
        (top / ".github/workflows/old.yml").write_text((top / ".github/workflows/cratematrix-build.yml").read_text())
        self.commit('"slots": 1', "first")
        self.github = server.add_repository(NAME, source=top)
        self.token = server.add_token(NAME, contents="write", pull_requests="write", workflows=True, kind="app")

    def commit(self, slots: str, message: str) -> None:
        text = (self.top / "crates.json").read_text()
        (self.top / "crates.json").write_text(text.replace('"slots": 2', slots))
        git(self.top, "add", "--all")
        git(self.top, "commit", "--quiet", "--message", message)

    def run(self, token: str | None = None) -> Ran:
        environment = self.server.environment_of(NAME, token or self.token)
        more = {"GITHUB_SHA": git(self.top, "rev-parse", "HEAD"), "GITHUB_REF_NAME": "main"}
        return cratematrix("generate", "--pull-request", cwd=self.top, env={**environment, **more})

    def proposed(self) -> dict[str, str]:
        """The changed files of the branch, compared with its parent commit."""
        head, path = self.github.git.refs()[f"refs/heads/{BRANCH}"], self.github.git.path
        lines = git(path, "diff", "--name-status", f"{head}~1", head).splitlines()
        return {name: status for status, name in (line.split("\t") for line in lines)}


@pytest.fixture
def job(repository: MakeRepository) -> Iterator[Job]:
    top = repository([entry("one"), entry("two")], library("one") | library("two"))
    git(top, "branch", "--move", "main")
    with GitHubServer() as server:
        yield Job(top, server)
        assert server.violations == []


def test_stale_files_become_one_pull_request_and_a_second_run_updates_it(job: Job) -> None:
    ran = job.run()
    assert ran.code == 0, ran.err
    assert "opened pull request 1: " in ran.err
    assert job.proposed() == {
        ".github/workflows/cratematrix-build.yml": "M",
        ".github/workflows/old.yml": "D",
        ".github/workflows/cratematrix-release.yml": "M",
    }
    assert "updated pull request 1: " in job.run().err
    [pull] = job.github.pulls.values()
    assert (pull.title, pull.base) == ("Regenerate the workflows from crates.json", "main")
    assert "- `.github/workflows/old.yml`" in (pull.body or "")
    assert job.proposed()[".github/workflows/old.yml"] == "D"


def test_the_checkout_stays_unchanged_and_without_stale_files_no_request_is_sent(job: Job) -> None:
    assert job.run().code == 0
    assert git(job.top, "status", "--porcelain") == ""
    assert cratematrix("generate", cwd=job.top).code == 0
    asked = len(job.server.requests)
    ran = job.run()
    assert (ran.code, len(job.server.requests)) == (0, asked)
    assert "up to date" in ran.err


def test_a_token_without_permission_for_workflows_is_an_error(job: Job) -> None:
    ran = job.run(job.server.add_token(NAME, contents="write", pull_requests="write", kind="app"))
    assert ran.code == 2
    assert "workflow" in ran.err
    assert job.github.pulls == {}


@pytest.mark.parametrize(
    "request_", [f"POST {PULLS}", f"PATCH /repos/{NAME}/git/refs/*", f"POST /repos/{NAME}/git/trees"]
)
def test_one_pull_request_after_a_lost_response_or_a_bad_gateway(job: Job, request_: str) -> None:
    assert job.run().code == 0
    job.github.pulls.clear() if request_.endswith(PULLS) else None
    job.server.inject(request_, LoseReply())
    job.server.inject(request_, html(502))
    ran = job.run()
    assert ran.code == 0, ran.err
    assert len(job.github.pulls) == 1


def test_check_and_pull_request_exclude_each_other(job: Job) -> None:
    ran = cratematrix("generate", "--pull-request", "--check", cwd=job.top)
    assert ran.code == 2
    assert "exclude each other" in ran.err
