"""The API: every operation behind the same door, which knows the token, counts the request and checks both ends."""

from __future__ import annotations

import re
import traceback
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.github_server.account import ANONYMOUS, Account, Token
from tests.github_server.assets import Assets
from tests.github_server.browsing import Browsing
from tests.github_server.call import Answer, Call, check_read, read_rest, reply
from tests.github_server.checking import Checker, Exchanged
from tests.github_server.code_replies import CodeReplies
from tests.github_server.downloads import Downloads
from tests.github_server.git_data import GitData
from tests.github_server.limits import Limits, overview
from tests.github_server.pulls import Pulls
from tests.github_server.refusal import Refusal
from tests.github_server.releases import Releases
from tests.github_server.replies import Replies
from tests.github_server.settings import Settings

RATE: Final = "/rate_limit"
# How starlette tells apart what the document only names.
FORMS: Final = {
    **dict.fromkeys(("release_id", "asset_id", "pull_number"), "int"),
    **dict.fromkeys(("tag", "ref", "path", "branch"), "path"),
}


class Api:
    """All operations on one server's state."""

    def __init__(self, account: Account, url: str) -> None:
        self._account, self._url = account, url
        self._limits, self._checker = Limits(account.rules), Checker()
        replies, numbers = Replies(url, account.rules.digests), account.numbers
        self.assets = Assets(account, replies)
        code = CodeReplies(replies)
        groups = (
            Settings(replies), Releases(numbers, replies, account.rules.body), self.assets, GitData(code), Browsing(code), Pulls(numbers, code),
        )  # fmt: skip
        answers = [answer for group in groups for answer in group.answers()]
        routes = [Route(_path(answer), self._guarded(answer), methods=[answer.method]) for answer in answers]
        rate = Route(RATE, self._rate, methods=["GET"])
        self.app = Starlette(routes=[rate, *routes, *Downloads(account, url, self.assets).routes()])

    async def _rate(self, request: Request) -> Response:
        try:
            token = self._token(request)
        except Refusal as refusal:
            said = reply(refusal.body, refusal.status)
        else:
            said = reply(overview(self._limits.rate(token)), headers=self._limits.headers(token))
        self._check(request, RATE, b"", said)
        return said

    def _guarded(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            try:
                body = None if answer.upload else await request.body()
                said = await self._say(answer, request, body)
                said.headers["x-github-request-id"] = f"{id(request):X}"
                if said.status_code < 500:  # a broken upload is answered by a gateway
                    self._check(request, answer.template, body or b"", said)
            except Exception:  # written down before the client can see the answer
                self._account.violations.append(traceback.format_exc())
                raise
            return said

        return guarded

    async def _say(self, answer: Answer, request: Request, body: bytes | None) -> Response:
        token = None
        try:
            token = self._token(request)
            with self._limits.request(token, request.method):
                name = f"{request.path_params['owner']}/{request.path_params['repo']}"
                repository = check_read(token, self._account.repository(name))
                call = Call(request, body, token, repository, self._url, self._account.now())
                said = await answer.handler(call)
        except Refusal as refusal:
            if answer.upload:
                await read_rest(request)
            said = reply(refusal.body, refusal.status, refusal.headers)
        if token is not None:
            said.headers.update(self._limits.headers(token))
        return said

    def _token(self, request: Request) -> Token:
        given = request.headers.get("authorization")
        if given is None:
            return ANONYMOUS
        token = self._account.tokens.get(given.partition(" ")[2])
        if token is None or given.partition(" ")[0].lower() not in ("token", "bearer"):
            raise Refusal(401, "Bad credentials")
        return token

    def _check(self, request: Request, template: str, body: bytes, said: Response) -> None:
        exchanged = Exchanged(
            request.method, template, request.path_params, list(request.query_params.multi_items()), request.headers,
            body, said.status_code, said.headers, bytes(said.body),
        )  # fmt: skip
        self._account.violations += self._checker.violations(exchanged)


def _path(answer: Answer) -> str:
    """Return an operation's path as starlette wants it; uploads have a prefix, as at GitHub Enterprise."""
    forms = re.sub(r"\{(\w+)\}", lambda found: f"{{{found[1]}:{FORMS.get(found[1], 'str')}}}", answer.template)
    return f"/uploads{forms}" if answer.upload else forms
