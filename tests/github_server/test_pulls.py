"""Pull requests: opened once, found again, changed, and closed with their branch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from github import GithubException
from github.Repository import Repository

from tests.github_server import GitHubServer
from tests.github_server.conftest import connect


@pytest.fixture
def changed(server: GitHubServer) -> Iterator[Repository]:
    """The repository as an app sees it, with a branch that is ahead."""
    git = server.repository().git
    git.set_ref("refs/heads/change", git.refs()["refs/heads/main"])
    git.commit_files("change", {"a": b"a"})
    name = server.repository().full_name
    with connect(server, server.add_token(name, pull_requests="write", kind="app")) as github:
        yield github.get_repo(name)


def test_a_pull_request_is_opened_once_and_changed(server: GitHubServer, changed: Repository) -> None:
    pull = changed.create_pull("main", "change", title="A title", body="a body")
    with pytest.raises(GithubException) as caught:
        changed.create_pull("main", "change", title="Another")
    assert caught.value.data["errors"][0]["message"] == "A pull request already exists for octo-org:change."
    (found,) = changed.get_pulls(head="octo-org:change", base="main")
    assert (found.number, found.head.ref, found.user.type) == (pull.number, "change", "Bot")
    found.edit(title="A better title")
    newest = server.repository().git.commit_files("change", {"b": b"b"})
    assert (changed.get_pull(1).title, changed.get_pull(1).head.sha) == ("A better title", newest)
    assert list(changed.get_pulls(head="octo-org:main")) == []
    assert len(list(changed.get_pulls(head="no-owner-before-it"))) == 1


def test_a_pull_request_ends_with_its_branch(changed: Repository) -> None:
    changed.create_pull("main", "change", title="A title")
    changed.get_git_ref("heads/change").delete()
    assert list(changed.get_pulls()) == []
    assert [each.closed_at is not None for each in changed.get_pulls(state="closed")] == [True]


def test_pull_requests_need_a_branch_that_is_ahead(changed: Repository) -> None:
    for base, head, said in (("main", "main", "No commits between main and main"), ("main", "none", None)):
        with pytest.raises(GithubException) as caught:
            changed.create_pull(base, head, title="A title")
        assert (caught.value.status, caught.value.data["errors"][0].get("message")) == (422, said)


def test_a_workflow_opens_none_unless_the_repository_lets_it(
    server: GitHubServer, changed: Repository, repository: Repository
) -> None:
    with pytest.raises(GithubException) as caught:
        repository.create_pull("main", "change", title="A title")
    said = "GitHub Actions is not permitted to create or approve pull requests."
    assert (caught.value.status, caught.value.message) == (403, said)
    server.repository().workflows_open_pulls = True
    assert repository.create_pull("main", "change", title="A title").number == 1
