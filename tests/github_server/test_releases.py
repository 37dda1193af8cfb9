"""Releases as the unmodified PyGithub finds them, and the rules that its users trip over."""

from __future__ import annotations

import pytest
from github import GithubException, UnknownObjectException
from github.Repository import Repository

from tests.github_server import GitHubServer, Rules
from tests.github_server.conftest import connect, open_draft, upload
from tests.github_server.starting import StartServer


def test_a_draft_is_filled_and_published(server: GitHubServer, repository: Repository) -> None:
    draft = open_draft(repository)
    assert draft.draft
    assert "refs/tags/v1" not in server.repository().git.refs()
    asset = upload(draft, "a.tgz", b"12345")
    assert (asset.state, asset.size, asset.name) == ("uploaded", 5, "a.tgz")
    assert asset.digest == "sha256:5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5"
    published = draft.update_release("v1", "text")  # PyGithub's `draft` is False unless told otherwise
    assert (published.draft, published.published_at is not None) == (False, True)
    head = server.repository().git.refs()["refs/heads/main"]
    assert server.repository().git.refs()["refs/tags/v1"] == head
    assert [each.name for each in repository.get_release("v1").assets] == ["a.tgz"]


def test_a_lookup_by_tag_finds_no_draft_and_a_list_does(repository: Repository) -> None:
    draft = open_draft(repository)
    with pytest.raises(UnknownObjectException):
        repository.get_release("v1")
    assert [each.id for each in repository.get_releases()] == [draft.id]
    assert repository.get_release(draft.id).tag_name == "v1"


def test_drafts_are_not_for_tokens_that_only_read(server: GitHubServer, repository: Repository) -> None:
    draft = open_draft(repository)
    token = server.add_token(repository.full_name, contents="read")
    with connect(server, token) as github:
        seen = github.get_repo(repository.full_name)
        assert list(seen.get_releases()) == []
        with pytest.raises(UnknownObjectException):
            seen.get_release(draft.id)
        with pytest.raises(GithubException) as caught:
            open_draft(seen, "v2")
    assert (caught.value.status, caught.value.data["message"]) == (403, "Resource not accessible by integration")


def test_two_creates_make_two_drafts_of_one_tag(repository: Repository) -> None:
    first, second = open_draft(repository), open_draft(repository)
    assert [each.id for each in repository.get_releases()] == [second.id, first.id]
    second.update_release("v1", "text")
    with pytest.raises(GithubException) as caught:
        first.update_release("v1", "text")
    assert caught.value.data["errors"] == [{"resource": "Release", "code": "already_exists", "field": "tag_name"}]
    assert repository.get_release(first.id).draft


def test_a_text_that_is_too_long_changes_nothing(server: GitHubServer, repository: Repository) -> None:
    draft, longest = open_draft(repository), "é" * 125_000
    with pytest.raises(GithubException) as caught:
        draft.update_release("v1", f"{longest}.", draft=False)
    message = "body is too long (maximum is 125000 characters)"
    said = {"resource": "Release", "code": "custom", "field": "body", "message": message}
    assert (caught.value.status, caught.value.data["errors"]) == (422, [said])
    assert server.repository().releases[draft.id].draft
    assert draft.update_release("v1", longest).body == longest


def test_a_draft_is_not_latest(repository: Repository) -> None:
    with pytest.raises(GithubException) as caught:
        repository.create_git_release("v1", "v1", "text", draft=True)  # PyGithub sends make_latest "true"
    assert (caught.value.status, caught.value.data["errors"][0]["message"]) == (
        422,
        "Latest release cannot be draft or prerelease.",
    )


def test_the_latest_release_is_the_one_that_was_said_to_be(repository: Repository) -> None:
    with pytest.raises(UnknownObjectException):
        repository.get_latest_release()
    repository.create_git_release("v1", "v1", "text")
    repository.create_git_release("v0.9", "v0.9", "text", make_latest="false")
    repository.create_git_release("v2-rc", "v2-rc", "text", prerelease=True, make_latest="legacy")
    assert repository.get_latest_release().tag_name == "v1"


def test_a_tag_is_made_at_the_commit_that_the_release_names(server: GitHubServer, repository: Repository) -> None:
    git = server.repository().git
    first = git.refs()["refs/heads/main"]
    git.commit_files("main", {"a": b"a"})
    repository.create_git_release("v1", "v1", "text", target_commitish=first)
    assert git.refs()["refs/tags/v1"] == first != git.refs()["refs/heads/main"]
    with pytest.raises(GithubException) as caught:
        repository.create_git_release("v2", "v2", "text", target_commitish="0" * 40)
    assert caught.value.data["errors"][0]["field"] == "target_commitish"


def test_a_published_release_may_get_another_tag(server: GitHubServer, repository: Repository) -> None:
    release = repository.create_git_release("v1", "v1", "text")
    assert release.update_release("v2", "text", tag_name="v2").published_at == release.published_at
    assert {"refs/tags/v1", "refs/tags/v2"} <= server.repository().git.refs().keys()
    assert repository.get_release("v2").id == release.id


def test_a_published_release_has_a_tag_that_git_takes(repository: Repository) -> None:
    draft = open_draft(repository, "not a tag")
    with pytest.raises(GithubException) as caught:
        draft.update_release("v1", "text")
    assert caught.value.data["errors"][0]["message"] == "Published releases must have a valid tag"
    assert repository.get_release(draft.id).draft


def test_a_published_release_can_be_immutable(server: GitHubServer, repository: Repository) -> None:
    server.repository().immutable = True
    release = open_draft(repository)
    asset = upload(release, "a.tgz")
    release = release.update_release("v1", "text")
    assert release.immutable
    for change in (lambda: upload(release, "b.tgz"), asset.delete_asset, lambda: asset.update_asset("c.tgz")):
        with pytest.raises(GithubException) as caught:
            change()
        assert caught.value.status == 422
        assert "an immutable release" in str(caught.value.data)
    assert release.update_release("better name", "better text").name == "better name"
    release.delete_release()
    again = open_draft(repository)
    with pytest.raises(GithubException) as caught:
        again.update_release("v1", "text")
    assert "tag_name was used by an immutable release" in [each["message"] for each in caught.value.data["errors"]]


def test_lists_have_pages_of_a_hundred_at_most(start_server: StartServer) -> None:
    server = start_server(Rules(limits=False))
    with connect(server) as github:
        repository = github.get_repo(server.repository().full_name)
        release = open_draft(repository)
        for number in range(205):
            upload(release, f"{number}.tgz", b"x")
        assert len({asset.name for asset in release.get_assets()}) == 205
    pages = [seen for seen in server.calls() if seen.path.endswith("/assets") and seen.method == "GET"]
    assert [seen.query for seen in pages] == ["per_page=100", "page=2&per_page=100", "page=3&per_page=100"]
