"""The operations on git's objects and refs, by which a commit is made without a clone."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from starlette.responses import Response

from tests.github_server.account import Repository
from tests.github_server.call import Answer, Call, nothing, reply
from tests.github_server.code_replies import CodeReplies
from tests.github_server.git import Person
from tests.github_server.refusal import Refusal, not_found

AT: Final = "/repos/{owner}/{repo}/git"
WORKFLOWS: Final = ".github/workflows/"
RULES: Final = "Repository rule violations found\n\nCannot {}"


class GitData:
    """Stores objects and moves refs, but no workflow for a token that may not write workflows."""

    def __init__(self, replies: CodeReplies) -> None:
        self._replies = replies

    def answers(self) -> Sequence[Answer]:
        """Return its operations."""
        return (
            Answer("POST", f"{AT}/blobs", self._create_blob),
            Answer("GET", f"{AT}/blobs/{{file_sha}}", self._blob),
            Answer("POST", f"{AT}/trees", self._create_tree),
            Answer("GET", f"{AT}/trees/{{tree_sha}}", self._tree),
            Answer("POST", f"{AT}/commits", self._create_commit),
            Answer("GET", f"{AT}/commits/{{commit_sha}}", self._commit),
            Answer("GET", f"{AT}/matching-refs/{{ref}}", self._matching),
            Answer("GET", f"{AT}/ref/{{ref}}", self._ref),
            Answer("POST", f"{AT}/refs", self._create_ref),
            Answer("PATCH", f"{AT}/refs/{{ref}}", self._move_ref),
            Answer("DELETE", f"{AT}/refs/{{ref}}", self._delete_ref),
        )

    async def _create_blob(self, call: Call) -> Response:
        call.need_push()
        body = call.json()
        text = str(body.get("content", ""))
        content = base64.b64decode(text) if body.get("encoding") == "base64" else text.encode()
        sha = call.repository.git.blob(content)
        return reply({"sha": sha, "url": f"{call.url}/repos/{call.repository.full_name}/git/blobs/{sha}"}, 201)

    async def _blob(self, call: Call) -> Response:
        sha = _object(call, "blob", call.text("file_sha"))
        content = call.repository.git.read("blob", sha)
        url = f"{call.url}/repos/{call.repository.full_name}/git/blobs/{sha}"
        text = base64.encodebytes(content).decode()
        return reply(
            {"sha": sha, "node_id": sha, "size": len(content), "url": url, "content": text, "encoding": "base64"}
        )

    async def _create_tree(self, call: Call) -> Response:
        call.need_push()
        body, git = call.json(), call.repository.git
        base = body.get("base_tree")
        if base is not None and git.kind(base) not in ("tree", "commit"):
            raise Refusal(422, "Invalid tree info")
        entries = {item["path"]: _entry(call, item) for item in body.get("tree", ())}
        if not entries:
            raise Refusal(422, "Invalid tree info")
        if not call.token.workflows and any(path.startswith(WORKFLOWS) for path in entries):
            raise call.forbidden()
        return reply(self._replies.tree(call.repository, git.tree(base, entries)), 201)

    async def _tree(self, call: Call) -> Response:
        sha = call.text("tree_sha")
        found = sha if call.repository.git.kind(sha) == "tree" else call.repository.git.commit_of(sha)
        if found is None:
            raise not_found()
        return reply(self._replies.tree(call.repository, found, "recursive" in call.request.query_params))

    async def _create_commit(self, call: Call) -> Response:
        call.need_push()
        body, git = call.json(), call.repository.git
        if git.kind(str(body.get("tree"))) != "tree":
            raise Refusal(422, "Tree SHA does not exist")
        parents = [str(sha) for sha in body.get("parents", ())]
        if any(git.kind(sha) != "commit" for sha in parents):
            raise Refusal(422, "Parent SHA does not exist or is not a commit object")
        author = _person(call, body.get("author"))
        committer = _person(call, body["committer"]) if body.get("committer") else author
        sha = git.commit(body["tree"], parents, str(body["message"]), author, committer)
        return reply(self._replies.git_commit(call.repository, git.read_commit(sha)), 201)

    async def _commit(self, call: Call) -> Response:
        sha = _object(call, "commit", call.text("commit_sha"))
        return reply(self._replies.git_commit(call.repository, call.repository.git.read_commit(sha)))

    async def _matching(self, call: Call) -> Response:
        start, refs = f"refs/{call.text('ref')}", call.repository.git.refs()
        found = [self._replies.ref(call.repository, ref, sha) for ref, sha in refs.items() if ref.startswith(start)]
        page, headers = call.page(found)
        return reply(page, headers=headers)

    async def _ref(self, call: Call) -> Response:
        ref, sha = _ref(call, not_found())
        return reply(self._replies.ref(call.repository, ref, sha))

    async def _create_ref(self, call: Call) -> Response:
        call.need_push()
        body, repository = call.json(), call.repository
        ref, sha = str(body.get("ref", "")), str(body.get("sha", ""))
        if not ref.startswith("refs/") or ref.count("/") < 2:
            raise Refusal(422, "Reference name must start with 'refs/' and have at least two slashes")
        if ref in repository.git.refs():
            raise Refusal(422, "Reference already exists")
        if ref.removeprefix("refs/tags/") in repository.burned:
            raise Refusal(422, RULES.format("create ref due to creations being restricted."))
        _check_object(call, ref, sha)
        check_workflows(call, repository.git.branch, sha)
        repository.git.set_ref(ref, sha)
        return reply(self._replies.ref(repository, ref, sha), 201)

    async def _move_ref(self, call: Call) -> Response:
        call.need_push()
        body, repository = call.json(), call.repository
        ref, before = _ref(call, Refusal(422, "Reference does not exist"))
        sha = str(body.get("sha", ""))
        _check_locked(repository, ref)
        _check_object(call, ref, sha)
        if not body.get("force", False) and not repository.git.descends(sha, before):
            raise Refusal(422, "Update is not a fast forward")
        check_workflows(call, before, sha)
        repository.git.set_ref(ref, sha)
        return reply(self._replies.ref(repository, ref, sha))

    async def _delete_ref(self, call: Call) -> Response:
        call.need_push()
        ref, sha = _ref(call, Refusal(422, "Reference does not exist"))
        _check_locked(call.repository, ref)
        call.repository.git.delete_ref(ref)
        for pull in call.repository.pulls.values():
            if pull.state == "open" and ref == f"refs/heads/{pull.head}":
                pull.sha, pull.state, pull.closed_at = sha, "closed", call.now
        return nothing()


def check_workflows(call: Call, before: str, sha: str) -> None:
    """Refuse a commit that changes workflows, and that no ref leads to yet, to a token that may not write them."""
    git = call.repository.git
    known = git.commit_of(before)
    if call.token.workflows or git.kind(sha) != "commit" or known is None or git.reachable(sha):
        return
    if any(path.startswith(WORKFLOWS) for path in git.changed(known, sha)):
        raise call.forbidden()


def _ref(call: Call, otherwise: Refusal) -> tuple[str, str]:
    ref = f"refs/{call.text('ref')}"
    sha = call.repository.git.refs().get(ref)
    if sha is None:
        raise otherwise
    return ref, sha


def _object(call: Call, kind: str, sha: str) -> str:
    if call.repository.git.kind(sha) != kind:
        raise not_found()
    return sha


def _check_object(call: Call, ref: str, sha: str) -> None:
    kind = call.repository.git.kind(sha)
    if kind is None:
        raise Refusal(422, "Object does not exist")
    if ref.startswith("refs/heads/") and kind != "commit":
        raise Refusal(422, "Object is not a commit")


def _check_locked(repository: Repository, ref: str) -> None:
    """Refuse to touch the tag of an immutable release that still is there."""
    release = repository.published(ref.removeprefix("refs/tags/")) if ref.startswith("refs/tags/") else None
    if release is not None and release.immutable:
        raise Refusal(422, RULES.format("update this protected ref."))


def _entry(call: Call, item: Mapping[str, Any]) -> tuple[str, str | None]:
    parts = str(item["path"]).split("/")
    if any(part in ("", ".", "..", ".git") for part in parts):
        raise Refusal(422, "tree.path contains a malformed path component")
    if "content" in item:
        return str(item["mode"]), call.repository.git.blob(str(item["content"]).encode())
    sha = item.get("sha")
    if sha is not None and call.repository.git.kind(str(sha)) != item.get("type", "blob"):
        raise Refusal(422, f"tree.sha {sha} is not a valid {item.get('type', 'blob')}")
    return str(item["mode"]), sha


def _person(call: Call, given: Mapping[str, str] | None) -> Person:
    login = call.token.login
    if given is None:
        return Person(login, f"{login}@users.noreply.example.com", call.now)
    date = datetime.fromisoformat(given["date"]) if "date" in given else call.now
    return Person(given.get("name", login), given.get("email", ""), date)
