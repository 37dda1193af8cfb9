"""A commit made by the API, the refs it moves, and the workflows that few tokens may write."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from github import GithubException, InputGitTreeElement
from github.Repository import Repository

from tests.github_server import GitHubServer
from tests.github_server.conftest import connect


def commit(repository: Repository, files: Mapping[str, str | None], parent: str) -> str:
    """Commit files as the API does it; None removes one."""
    above = repository.get_git_commit(parent)
    elements = [
        InputGitTreeElement(path, "100644", "blob", sha=None)
        if text is None
        else InputGitTreeElement(path, "100644", "blob", text)
        for path, text in files.items()
    ]
    tree = repository.create_git_tree(elements, above.tree)
    return repository.create_git_commit("Change", tree, [above]).sha


def test_a_commit_is_made_on_a_new_branch(server: GitHubServer, repository: Repository) -> None:
    main = repository.get_branch("main").commit.sha
    first = commit(repository, {"a/b.txt": "one", "c.txt": "two"}, main)
    repository.create_git_ref("refs/heads/change", first)
    second = commit(repository, {"c.txt": None}, first)
    repository.get_git_ref("heads/change").edit(second)
    git = server.repository().git
    assert git.refs() == {"refs/heads/main": main, "refs/heads/change": second}
    assert git.files(second) == {"README.md": b"# fleet\n", "a/b.txt": b"one"}
    assert [each.name for each in repository.get_branches()] == ["change", "main"]
    assert repository.get_commit("change").commit.message == "Change"
    assert [parent.sha for parent in repository.get_commit(second).parents] == [first]


def test_files_are_read_at_a_commit(server: GitHubServer, repository: Repository) -> None:
    before = server.repository().git.refs()["refs/heads/main"]
    server.repository().git.commit_files("main", {"dir/crates.json": b"{}"})
    file = repository.get_contents("dir/crates.json")
    assert not isinstance(file, list)
    assert file.decoded_content == b"{}"
    blob = repository.get_git_blob(file.sha)
    assert (blob.size, blob.encoding) == (2, "base64")
    with pytest.raises(GithubException) as caught:
        repository.get_contents("dir/crates.json", before)
    assert caught.value.status == 404


def test_binary_files_are_sent_encoded(server: GitHubServer, repository: Repository) -> None:
    blob = repository.create_git_blob("AP8=", "base64")
    assert server.repository().git.read("blob", blob.sha) == b"\x00\xff"


def test_a_branch_moves_back_only_by_force(server: GitHubServer, repository: Repository) -> None:
    git = server.repository().git
    first = git.refs()["refs/heads/main"]
    git.commit_files("main", {"a": b"a"})
    ref = repository.get_git_ref("heads/main")
    with pytest.raises(GithubException) as caught:
        ref.edit(first)
    assert (caught.value.status, caught.value.message) == (422, "Update is not a fast forward")
    ref.edit(first, force=True)
    assert git.refs()["refs/heads/main"] == first


@pytest.mark.parametrize(
    ("ref", "sha", "said"),
    [
        ("refs/heads/main", None, "Reference already exists"),
        ("refs/heads/other", "0" * 40, "Object does not exist"),
        ("heads", None, "Reference name must start with 'refs/' and have at least two slashes"),
    ],
)
def test_a_ref_that_cannot_be(
    server: GitHubServer, repository: Repository, ref: str, sha: str | None, said: str
) -> None:
    with pytest.raises(GithubException) as caught:
        repository.create_git_ref(ref, sha or server.repository().git.refs()["refs/heads/main"])
    assert (caught.value.status, caught.value.message) == (422, said)


def test_workflows_are_written_only_with_the_right_to(server: GitHubServer, repository: Repository) -> None:
    main = server.repository().git.refs()["refs/heads/main"]
    files = {".github/workflows/ci.yml": "on: push\n"}
    with pytest.raises(GithubException) as caught:
        commit(repository, files, main)
    assert (caught.value.status, caught.value.message) == (403, "Resource not accessible by integration")
    with connect(server, server.add_token(repository.full_name, workflows=True, kind="app")) as github:
        made = commit(github.get_repo(repository.full_name), files, main)
        # No ref leads there yet, so neither a branch nor a release of a lesser token may.
        with pytest.raises(GithubException) as caught:
            repository.create_git_ref("refs/heads/change", made)
        assert caught.value.status == 403
        with pytest.raises(GithubException) as caught:
            repository.create_git_release("v1", "v1", "text", target_commitish=made)
        assert caught.value.status == 403
        github.get_repo(repository.full_name).create_git_ref("refs/heads/change", made)
    repository.create_git_release("v1", "v1", "text", target_commitish=made)


def test_the_tag_of_an_immutable_release_stays(server: GitHubServer, repository: Repository) -> None:
    server.repository().immutable = True
    release = repository.create_git_release("v1", "v1", "text")
    tag = repository.get_git_ref("tags/v1")
    with pytest.raises(GithubException) as caught:
        tag.delete()
    assert caught.value.status == 422
    release.delete_release()
    tag.delete()
    assert [each.name for each in repository.get_tags()] == []
    with pytest.raises(GithubException) as caught:
        repository.create_git_ref("refs/tags/v1", server.repository().git.refs()["refs/heads/main"])
    assert "creations being restricted" in str(caught.value.message)


def test_trees_hold_no_path_that_leads_out(repository: Repository) -> None:
    base = repository.get_branch("main").commit.commit.tree
    with pytest.raises(GithubException) as caught:
        repository.create_git_tree([InputGitTreeElement("a/../../b", "100644", "blob", "x")], base)
    assert "malformed path" in str(caught.value.message)
