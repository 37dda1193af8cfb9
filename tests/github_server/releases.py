"""The operations on releases."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from starlette.responses import Response

from tests.github_server.account import Numbers, Release, Repository
from tests.github_server.call import Answer, Call, nothing, reply
from tests.github_server.git_data import check_workflows
from tests.github_server.refusal import Refusal, invalid, not_found, refused
from tests.github_server.replies import Replies

AT: Final = "/repos/{owner}/{repo}/releases"
LATEST: Final = "Latest release cannot be draft or prerelease."
BURNED: Final = "tag_name was used by an immutable release"


class Releases:
    """Lists, creates, publishes and removes releases."""

    def __init__(self, numbers: Numbers, replies: Replies, body: int) -> None:
        self._numbers, self._replies, self._body = numbers, replies, body

    def answers(self) -> Sequence[Answer]:
        """Return its operations."""
        return (
            Answer("GET", AT, self._list),
            Answer("POST", AT, self._create),
            Answer("GET", f"{AT}/latest", self._latest),
            Answer("GET", f"{AT}/tags/{{tag}}", self._by_tag),
            Answer("GET", f"{AT}/{{release_id}}", self._get),
            Answer("PATCH", f"{AT}/{{release_id}}", self._update),
            Answer("DELETE", f"{AT}/{{release_id}}", self._delete),
        )

    async def _list(self, call: Call) -> Response:
        seen = [each for each in call.repository.releases.values() if call.may_push or not each.draft]
        page, headers = call.page(sorted(seen, key=lambda each: each.id, reverse=True))
        return reply([self._replies.release(call.repository, each) for each in page], headers=headers)

    async def _create(self, call: Call) -> Response:
        call.need_push()
        body, repository = call.json(), call.repository
        if not isinstance(body.get("tag_name"), str) or not body["tag_name"]:
            raise invalid("Release", "tag_name", "missing_field")
        release = Release(
            self._numbers.next(), body["tag_name"], body.get("name"), body.get("body"), True,
            bool(body.get("prerelease", False)), str(body.get("target_commitish") or repository.git.branch),
            call.token.login, call.now, call.now,
        )  # fmt: skip
        _check_body(release.body, self._body)
        draft = bool(body.get("draft", False))
        _check_latest(draft or release.prerelease, body.get("make_latest"))
        _check_target(repository, release)
        if not draft:
            _publish(call, release, body.get("make_latest"))
        repository.releases[release.id] = release
        location = {"location": f"{call.url}/repos/{repository.full_name}/releases/{release.id}"}
        return reply(self._replies.release(repository, release), 201, location)

    async def _latest(self, call: Call) -> Response:
        if call.repository.latest is None:
            raise not_found()
        return self._said(call, call.repository.releases[call.repository.latest])

    async def _by_tag(self, call: Call) -> Response:
        release = call.repository.published(call.text("tag"))
        if release is None:
            raise not_found()
        return self._said(call, release)

    async def _get(self, call: Call) -> Response:
        return self._said(call, find_release(call))

    async def _update(self, call: Call) -> Response:
        call.need_push()
        release, body = find_release(call), call.json()
        changed = _changed(release, body)
        _check_body(changed["body"], self._body)
        _check_latest(changed["draft"] or changed["prerelease"], body.get("make_latest"))
        if release.immutable and any(changed[name] != getattr(release, name) for name in ("tag", "target", "draft")):
            raise Refusal(422, "Cannot update the tag or target of an immutable release.")
        published = not changed["draft"] and (release.draft or changed["tag"] != release.tag)
        before = {name: getattr(release, name) for name in changed}
        _set(release, changed)
        try:
            _check_target(call.repository, release)
            if published:
                _publish(call, release, body.get("make_latest"))
            else:
                _make_latest(call.repository, release, body.get("make_latest", "unchanged"))
        except Refusal:
            _set(release, before)
            raise
        release.updated_at = call.now
        return self._said(call, release)

    async def _delete(self, call: Call) -> Response:
        call.need_push()
        release = find_release(call)
        del call.repository.releases[release.id]
        if call.repository.latest == release.id:
            call.repository.latest = None
            _newest_is_latest(call.repository)
        return nothing()

    def _said(self, call: Call, release: Release) -> Response:
        return reply(self._replies.release(call.repository, release))


def find_release(call: Call) -> Release:
    """Return the release of a call; drafts are there only for those who may push."""
    release = call.repository.releases.get(call.number("release_id"))
    if release is None or (release.draft and not call.may_push):
        raise not_found()
    return release


def _changed(release: Release, body: dict[str, Any]) -> dict[str, Any]:
    """Return what a release is to be: what is not said stays."""
    names = {"tag": "tag_name", "name": "name", "body": "body", "target": "target_commitish"}
    texts = {field: body.get(name, getattr(release, field)) for field, name in names.items()}
    return {
        **texts,
        "draft": bool(body.get("draft", release.draft)),
        "prerelease": bool(body.get("prerelease", release.prerelease)),
    }


def _set(release: Release, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(release, name, value)


def _check_latest(hidden: bool, make_latest: object) -> None:
    if hidden and make_latest == "true":
        raise refused("Release", LATEST)


def _check_body(body: str | None, longest: int) -> None:
    if len(body or "") > longest:
        raise invalid("Release", "body", "custom", f"body is too long (maximum is {longest} characters)")


def _check_target(repository: Repository, release: Release) -> None:
    if f"refs/tags/{release.tag}" not in repository.git.refs() and repository.git.commit_of(release.target) is None:
        raise invalid("Release", "target_commitish", "invalid")


def _publish(call: Call, release: Release, make_latest: object) -> None:
    """Show a release to the world: its tag is made now, and from now on it may be immutable."""
    repository, ref = call.repository, f"refs/tags/{release.tag}"
    others = [each for each in repository.releases.values() if each is not release and not each.draft]
    if release.tag in [each.tag for each in others]:
        raise invalid("Release", "tag_name", "already_exists")
    gone = {"resource": "Release", "code": "custom", "message": "Published releases must have a valid tag"}
    if release.tag in repository.burned:
        used = {"resource": "Release", "code": "custom", "field": "tag_name", "message": BURNED}
        raise Refusal(422, "Validation Failed", used, gone)
    if not repository.git.may_be(ref):
        raise Refusal(422, "Validation Failed", gone)
    if ref not in repository.git.refs():
        commit = repository.git.commit_of(release.target)
        assert commit is not None  # checked before
        check_workflows(call, repository.git.branch, commit)
        repository.git.set_ref(ref, commit)
    release.draft, release.immutable = False, repository.immutable
    release.published_at = release.published_at or call.now
    if release.immutable:
        repository.burned.add(release.tag)
    _make_latest(repository, release, "true" if make_latest is None else make_latest)


def _make_latest(repository: Repository, release: Release, make_latest: object) -> None:
    shown = not release.draft and not release.prerelease
    if make_latest == "true" and shown:
        repository.latest = release.id
    elif repository.latest == release.id and (make_latest == "false" or not shown):
        repository.latest = None
    if make_latest == "legacy" and shown:
        _newest_is_latest(repository)


def _newest_is_latest(repository: Repository) -> None:
    shown = [each for each in repository.releases.values() if not each.draft and not each.prerelease]
    repository.latest = max(shown, key=_age).id if shown else None


def _age(release: Release) -> tuple[object, ...]:
    """Return what GitHub's old rule goes by: the time, then the version."""
    return release.created_at, [int(number) for number in re.findall(r"\d+", release.tag)], release.id
