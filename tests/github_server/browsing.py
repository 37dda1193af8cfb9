"""The operations that read branches, tags, commits and files."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Final

from starlette.responses import Response

from tests.github_server.call import Answer, Call, reply
from tests.github_server.code_replies import CodeReplies
from tests.github_server.refusal import Refusal, not_found

AT: Final = "/repos/{owner}/{repo}"


class Browsing:
    """Shows what is in a repository."""

    def __init__(self, replies: CodeReplies) -> None:
        self._replies = replies

    def answers(self) -> Sequence[Answer]:
        """Return its operations."""
        return (
            Answer("GET", f"{AT}/branches", self._branches),
            Answer("GET", f"{AT}/branches/{{branch}}", self._branch),
            Answer("GET", f"{AT}/tags", self._tags),
            Answer("GET", f"{AT}/commits/{{ref}}", self._commit),
            Answer("GET", f"{AT}/contents/{{path}}", self._file),
        )

    async def _branches(self, call: Call) -> Response:
        page, headers = call.page(_below(call, "refs/heads/"))
        return reply([self._replies.short_branch(call.repository, *each) for each in page], headers=headers)

    async def _branch(self, call: Call) -> Response:
        name, git = call.text("branch"), call.repository.git
        sha = git.refs().get(f"refs/heads/{name}")
        if sha is None:
            raise Refusal(404, "Branch not found")
        return reply(self._replies.branch(call.repository, name, git.read_commit(sha)))

    async def _tags(self, call: Call) -> Response:
        page, headers = call.page(_below(call, "refs/tags/")[::-1])
        commits = [(name, call.repository.git.commit_of(sha) or sha) for name, sha in page]  # not the tags' own objects
        return reply([self._replies.tag(call.repository, *each) for each in commits], headers=headers)

    async def _commit(self, call: Call) -> Response:
        sha = call.repository.git.commit_of(call.text("ref"))
        if sha is None:
            raise Refusal(422, f"No commit found for SHA: {call.text('ref')}")
        return reply(self._replies.commit(call.repository, call.repository.git.read_commit(sha)))

    async def _file(self, call: Call) -> Response:
        git, path = call.repository.git, call.text("path")
        commit = git.commit_of(call.request.query_params.get("ref", call.repository.git.branch))
        entries = git.entries(commit, deep=True) if commit else []
        for _, kind, sha, size, name in entries:
            if name == path and kind == "blob":
                text = base64.encodebytes(git.read("blob", sha)).decode()
                known = self._replies.content(call.repository, path, sha, size or 0)
                return reply({**known, "content": text, "encoding": "base64"})
        raise not_found()


def _below(call: Call, start: str) -> list[tuple[str, str]]:
    refs = call.repository.git.refs()
    return [(ref.removeprefix(start), sha) for ref, sha in refs.items() if ref.startswith(start)]
