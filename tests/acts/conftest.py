"""Fixtures of the runs: act, the GitHub test server, and packages installed as a user does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acts.act import PROGRAM, Act
from tests.github_server import GitHubServer, Rules

NAME = "octo-org/crates"


@pytest.fixture(autouse=True, scope="session")
def program() -> None:
    if not PROGRAM.exists():
        pytest.skip("act is not there: make acts builds it")


@pytest.fixture(scope="module")
def server() -> Iterator[GitHubServer]:
    with GitHubServer(Rules()) as server:
        yield server
        assert server.violations == []


@pytest.fixture(scope="module")
def act(server: GitHubServer, tmp_path_factory: pytest.TempPathFactory) -> Act:
    """Act, with the test server as GitHub for its jobs, and every repository under the same name."""
    environment = {"GITHUB_API_URL": server.url, "GITHUB_SERVER_URL": server.url, "GITHUB_REPOSITORY": NAME}
    return Act(tmp_path_factory.mktemp("kept"), environment)


@pytest.fixture(scope="module")
def top(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty directory for a repository."""
    return tmp_path_factory.mktemp("work") / "repo"
