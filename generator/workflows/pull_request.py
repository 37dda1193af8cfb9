"""The pull request with stale generated files, through PyGithub. The API creates the commit, so git gets no token."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from github import InputGitTreeElement, UnknownObjectException
from github.GithubObject import NotSet
from github.Repository import Repository

from generator.errors import InputError
from generator.github_api.connection import Connection
from generator.github_api.errors import GitHubError
from generator.github_api.pygithub import client, map_pygithub_errors
from generator.github_api.retry import Retry
from generator.workflows.proposal import BRANCH, File, Proposal, PullRequest

# Seconds for each call.
TIMEOUT_SECONDS: Final = 60


def propose(connection: Connection, wanted: Proposal, say: Callable[[str], None]) -> PullRequest:
    """Push the files to the branch BRANCH, and open or update its pull request.

    Every step is idempotent, so all steps are retried after a transient error.
    """
    with client(connection, TIMEOUT_SECONDS) as github:
        repository = github.get_repo(connection.repository)
        return Retry(say).call(lambda: _propose_or_explain(repository, wanted), "proposing the generated files")


def _propose_or_explain(repository: Repository, wanted: Proposal) -> PullRequest:
    try:
        return _propose(repository, wanted)
    except GitHubError as error:
        if error.status == HTTPStatus.FORBIDDEN and not error.is_rate_limited:
            raise InputError(
                f"the token has no permission to change workflows ({error})",
                fix="set GITHUB_TOKEN to a token with write access to contents, pull requests and workflows",
            ) from error
        raise


def _propose(repository: Repository, wanted: Proposal) -> PullRequest:
    with map_pygithub_errors():
        base = wanted.base or repository.default_branch
        _set_branch(repository, _commit(repository, wanted))
        for pull in repository.get_pulls(state="open", head=f"{repository.owner.login}:{BRANCH}", base=base):
            pull.edit(title=wanted.title, body=wanted.body)
            return PullRequest(number=pull.number, url=pull.html_url, opened=False)
        pull = repository.create_pull(base=base, head=BRANCH, title=wanted.title, body=wanted.body)
        return PullRequest(number=pull.number, url=pull.html_url, opened=True)


def _commit(repository: Repository, wanted: Proposal) -> str:
    parent = repository.get_git_commit(wanted.commit)
    tree = repository.create_git_tree([_element(file) for file in wanted.files], parent.tree)
    return repository.create_git_commit(wanted.title, tree, [parent]).sha


def _element(file: File) -> InputGitTreeElement:
    """Return a tree entry with a text; a null SHA removes the file."""
    content = NotSet if file.text is None else file.text
    return InputGitTreeElement(file.path, "100644", "blob", content, None if file.text is None else NotSet)


def _set_branch(repository: Repository, commit: str) -> None:
    reference = repository.get_git_ref(f"heads/{BRANCH}")
    try:
        reference.update()  # a lazy reference has its URL only after a request
    except UnknownObjectException:
        repository.create_git_ref(f"refs/heads/{BRANCH}", commit)
    else:
        reference.edit(commit, force=True)
