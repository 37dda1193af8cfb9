"""Servers for tests, and the unmodified PyGithub led to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO

import pytest
from github import Auth, Github, GithubRetry
from github.GitRelease import GitRelease
from github.GitReleaseAsset import GitReleaseAsset
from github.Repository import Repository

from tests.github_server import GitHubServer
from tests.github_server.starting import StartServer, servers

Connect = Callable[..., Github]


def connect(server: GitHubServer, token: str | None = None, retry: GithubRetry | int | None = None) -> Github:
    """Return a client that neither waits between requests nor, unless told so, repeats them."""
    return Github(
        auth=Auth.Token(token or server.environment["GITHUB_TOKEN"]), base_url=server.url, per_page=100,
        seconds_between_requests=0, seconds_between_writes=0, retry=retry, timeout=120,
    )  # fmt: skip


def open_draft(repository: Repository, tag: str = "v1") -> GitRelease:
    return repository.create_git_release(tag, tag, "text", draft=True, make_latest="false")


def upload(release: GitRelease, name: str, content: bytes = b"content") -> GitReleaseAsset:
    return release.upload_asset_from_memory(BytesIO(content), len(content), name)


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    with servers() as start:
        yield start


@pytest.fixture
def server(start_server: StartServer) -> GitHubServer:
    return start_server()


@pytest.fixture
def repository(server: GitHubServer) -> Iterator[Repository]:
    """The server's first repository, as a workflow's token may write to it."""
    with connect(server) as github:
        yield github.get_repo(server.repository().full_name)
