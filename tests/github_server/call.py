"""One request to the API: who asks, for which repository, and what they may."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from tests.github_server.account import Repository, Right, Token
from tests.github_server.refusal import Refusal, not_found

PAGE, LONGEST_PAGE = 30, 100
# What a token of a workflow and one of a person are told.
INTEGRATION: Final = "Resource not accessible by integration"
PERSONAL: Final = "Resource not accessible by personal access token"


@dataclass(frozen=True)
class Call:
    """A request on its way; `body` is None for an upload, which is read by whoever stores it."""

    request: Request
    body: bytes | None
    token: Token
    repository: Repository
    url: str
    now: datetime

    @property
    def may_push(self) -> bool:
        """Whether the token may write contents, and so see drafts."""
        return self._has(self.token.contents, "write")

    def number(self, name: str) -> int:
        """Return a number out of the path."""
        return int(self.request.path_params[name])

    def text(self, name: str) -> str:
        """Return a text out of the path."""
        return str(self.request.path_params[name])

    def need_push(self) -> None:
        """Refuse a token that may not write contents."""
        self.need(self.token.contents, "write")

    def need(self, right: Right, least: Right) -> None:
        """Refuse a token with less than a right."""
        if not self._has(right, least):
            raise self.forbidden()

    def need_administration(self) -> None:
        """Refuse a token that may not change settings."""
        self.need("write" if self.token.administration else "none", "write")

    def forbidden(self) -> Refusal:
        """Return the reply to a token without the right."""
        return Refusal(403, PERSONAL if self.token.kind == "person" else INTEGRATION)

    def json(self) -> dict[str, Any]:
        """Return the body."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError:
            raise Refusal(400, "Problems parsing JSON") from None
        if not isinstance(value, dict):
            raise Refusal(400, "Body should be a JSON object")
        return value

    def page(self, items: Sequence[Any]) -> tuple[Sequence[Any], dict[str, str]]:
        """Return the page of a list that is asked for, and the header that leads to the others."""
        query = self.request.query_params
        size = _within(query.get("per_page"), PAGE, LONGEST_PAGE)
        page, last = _within(query.get("page"), 1, None), max(1, -(-len(items) // size))
        others = {
            **({"prev": min(page - 1, last)} if page > 1 else {}),
            **({"next": page + 1, "last": last} if page < last else {}),
            **({"first": 1} if page > 1 else {}),
        }
        links = [f'<{self._page_address(number)}>; rel="{name}"' for name, number in others.items()]
        return items[(page - 1) * size : page * size], {"link": ", ".join(links)} if links else {}

    def _has(self, right: Right, least: Right) -> bool:
        order: tuple[Right, ...] = ("none", "read", "write")
        return self.repository.full_name in self.token.repositories and order.index(right) >= order.index(least)

    def _page_address(self, number: int) -> str:
        query = {**self.request.query_params, "page": str(number)}
        return f"{self.url}{self.request.url.path}?{urlencode(query)}"


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True)
class Answer:
    """How an operation is answered: `template` is its path in GitHub's document."""

    method: str
    template: str
    handler: Handler
    upload: bool = False


async def read_rest(request: Request) -> None:
    """Read what nobody has read of a request, or its reply could get lost under what the client still sends."""
    if not request._stream_consumed:
        with contextlib.suppress(ClientDisconnect):
            async for _ in request.stream():
                pass


def reply(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a reply in JSON."""
    return JSONResponse(value, status, headers, media_type="application/json; charset=utf-8")


def nothing() -> Response:
    """Return the reply that says that it is done."""
    return Response(status_code=204)


def check_read(token: Token, repository: Repository | None) -> Repository:
    """Return the repository if the token may know of it: what is public, everybody may read."""
    if repository is None:
        raise not_found()
    if repository.private and (repository.full_name not in token.repositories or token.contents == "none"):
        raise not_found()
    return repository


def _within(given: str | None, usual: int, most: int | None) -> int:
    number = int(given) if given and given.isdigit() else usual
    return max(1, min(number, most) if most else number)
