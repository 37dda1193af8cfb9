"""The operations on a repository as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from tests.github_server.call import Answer, Call, nothing, reply
from tests.github_server.replies import Replies

AT = "/repos/{owner}/{repo}"


class Settings:
    """Shows a repository, and whether its releases become immutable."""

    def __init__(self, replies: Replies) -> None:
        self._replies = replies

    def answers(self) -> Sequence[Answer]:
        """Return its operations."""
        immutable = f"{AT}/immutable-releases"
        return (
            Answer("GET", AT, self._get),
            Answer("GET", immutable, self._immutable),
            Answer("PUT", immutable, self._make_immutable),
            Answer("DELETE", immutable, self._make_mutable),
        )

    async def _get(self, call: Call) -> Response:
        return reply(self._replies.repository(call.repository))

    async def _immutable(self, call: Call) -> Response:
        call.need_administration()
        if not call.repository.immutable:
            return Response(status_code=404)
        return reply({"enabled": True, "enforced_by_owner": False})

    async def _make_immutable(self, call: Call) -> Response:
        call.need_administration()
        call.repository.immutable = True
        return nothing()

    async def _make_mutable(self, call: Call) -> Response:
        call.need_administration()
        call.repository.immutable = False
        return nothing()
