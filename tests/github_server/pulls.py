"""The operations on pull requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.responses import Response

from tests.github_server.account import Numbers, Pull
from tests.github_server.call import Answer, Call, reply
from tests.github_server.code_replies import CodeReplies
from tests.github_server.refusal import Refusal, invalid, not_found, refused

AT: Final = "/repos/{owner}/{repo}/pulls"
NOT_WORKFLOWS: Final = "GitHub Actions is not permitted to create or approve pull requests."


class Pulls:
    """Opens and changes pull requests between a repository's own branches."""

    def __init__(self, numbers: Numbers, replies: CodeReplies) -> None:
        self._numbers, self._replies = numbers, replies

    def answers(self) -> Sequence[Answer]:
        """Return its operations."""
        return (
            Answer("GET", AT, self._list),
            Answer("POST", AT, self._create),
            Answer("GET", f"{AT}/{{pull_number}}", self._get),
            Answer("PATCH", f"{AT}/{{pull_number}}", self._update),
        )

    async def _list(self, call: Call) -> Response:
        query, owner = call.request.query_params, call.repository.full_name.partition("/")[0]
        state, base, head = query.get("state", "open"), query.get("base"), query.get("head", "")
        found = [
            pull
            for pull in sorted(call.repository.pulls.values(), key=lambda each: each.number, reverse=True)
            if state in (pull.state, "all")
            and base in (None, pull.base)
            # Without an owner before it, GitHub takes no notice of the branch.
            and (":" not in head or head == f"{owner}:{pull.head}")
        ]
        page, headers = call.page(found)
        return reply([self._replies.pull(call.repository, self._fresh(call, pull)) for pull in page], headers=headers)

    async def _create(self, call: Call) -> Response:
        call.need(call.token.pull_requests, "write")
        if call.token.kind == "workflow" and not call.repository.workflows_open_pulls:
            raise Refusal(403, NOT_WORKFLOWS)
        body, repository = call.json(), call.repository
        head, base = str(body.get("head", "")).rpartition(":")[2], str(body.get("base", ""))
        sha = self._check(call, head, base)
        if not body.get("title"):
            raise invalid("Issue", "title", "missing_field")
        number = max(repository.pulls, default=0) + 1
        pull = Pull(
            number, self._numbers.next(), str(body["title"]), body.get("body"), head, base, sha, call.token.login,
            call.now, call.now, bool(body.get("draft", False)),
        )  # fmt: skip
        repository.pulls[number] = pull
        return reply(self._replies.whole_pull(repository, pull), 201)

    async def _get(self, call: Call) -> Response:
        return reply(self._replies.whole_pull(call.repository, self._fresh(call, self._find(call))))

    async def _update(self, call: Call) -> Response:
        call.need(call.token.pull_requests, "write")
        pull, body = self._find(call), call.json()
        pull.title, pull.body = body.get("title", pull.title), body.get("body", pull.body)
        pull.base, pull.state = body.get("base", pull.base), body.get("state", pull.state)
        pull.updated_at = call.now
        pull.closed_at = None if pull.state == "open" else pull.closed_at or call.now
        return reply(self._replies.whole_pull(call.repository, self._fresh(call, pull)))

    def _check(self, call: Call, head: str, base: str) -> str:
        """Return the commit that a new pull request is about."""
        repository = call.repository
        refs, owner = repository.git.refs(), repository.full_name.partition("/")[0]
        ends = [refs.get(f"refs/heads/{name}") for name in (head, base)]
        if ends[0] is None or ends[1] is None:
            raise invalid("PullRequest", "head" if ends[0] is None else "base", "invalid")
        if any((each.head, each.base, each.state) == (head, base, "open") for each in repository.pulls.values()):
            raise refused("PullRequest", f"A pull request already exists for {owner}:{head}.")
        if repository.git.descends(ends[1], ends[0]):
            raise refused("PullRequest", f"No commits between {base} and {head}")
        return ends[0]

    def _find(self, call: Call) -> Pull:
        pull = call.repository.pulls.get(call.number("pull_number"))
        if pull is None:
            raise not_found()
        return pull

    def _fresh(self, call: Call, pull: Pull) -> Pull:
        pull.sha = call.repository.git.refs().get(f"refs/heads/{pull.head}", pull.sha)
        return pull
