"""The server: API, uploads and downloads on one port of this machine, in a thread of its own."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from tests.github_server.account import Account, Asset, Kind, Repository, Right, Token
from tests.github_server.api import Api
from tests.github_server.faults import Faults
from tests.github_server.git import Git
from tests.github_server.limits import creates_content
from tests.github_server.rules import REPOSITORY, Rules
from tests.serving.exchange import Exchange
from tests.serving.faults import Moody
from tests.serving.port import Port

API_PATHS: Final = ("/repos/", "/uploads/")


@dataclass(frozen=True)
class Seen:
    """One request and how it was answered.

    `status` is 0 where no answer was sent, `token` the name of a token, `at` seconds since 1970, and `fault` what was
    done to it.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    status: int
    token: str
    at: float
    content_creating: bool
    fault: str | None


class GitHubServer(Moody[Faults]):
    """Stands in for GitHub while it is entered; see `Rules` for what it is like and `Faults` for its moods.

    It begins with one repository, and a token like a workflow's that may write to it. `source` is a git repository
    whose branches, tags and commits that one takes over; `directory` is where everything lies (default: one of its own,
    removed at the end).
    """

    def __init__(
        self,
        rules: Rules | None = None,
        repository: str = REPOSITORY,
        source: Path | None = None,
        directory: Path | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(Faults())
        self.rules, self._first, self._source = rules or Rules(), repository, source
        self._directory, self._number = directory, port
        self.requests: list[Seen] = []
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> GitHubServer:
        """Start it."""
        self._place = self._directory or Path(
            self._stack.enter_context(tempfile.TemporaryDirectory(prefix="github-server-"))
        )
        self._account = Account(self.rules, self._place / "assets")
        self._account.directory.mkdir(parents=True, exist_ok=True)
        self._port = Port(self._answer, self._number, "github server")
        self.url = self._port.url
        self._api = Api(self._account, self.url)
        self.add_repository(self._first, source=self._source)
        self._token = self.add_token(self._first, pull_requests="write")
        self._port.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self._port.close()
        self._stack.close()

    @property
    def violations(self) -> list[str]:
        """What broke GitHub's document, and what else must not be; empty where all is well."""
        return self._account.violations

    @property
    def tokens(self) -> Mapping[str, Token]:
        """The tokens by their text."""
        return self._account.tokens

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead here, to the first repository, as a workflow has them."""
        return self.environment_of(self._first, self._token)

    def environment_of(self, repository: str, token: str) -> dict[str, str]:
        """Return the variables for a repository and a token."""
        here = {"GITHUB_API_URL": self.url, "GITHUB_SERVER_URL": self.url}
        return {**here, "GITHUB_REPOSITORY": repository, "GITHUB_TOKEN": token}

    def add_repository(
        self,
        name: str,
        immutable: bool = False,
        private: bool = False,
        source: Path | None = None,
    ) -> Repository:
        """Add a repository; `immutable` makes releases so when they are published."""
        number = self._account.numbers.next()
        git = Git(self._place / f"{number}.git", source)
        repository = Repository(number, name, private, immutable, git, self._account.now())
        self._account.repositories[name.lower()] = repository
        return repository

    def repository(self, name: str | None = None) -> Repository:
        """Return a repository, the first one by default."""
        return self._account.repositories[(name or self._first).lower()]

    def add_token(
        self,
        *repositories: str,
        contents: Right = "write",
        pull_requests: Right = "none",
        workflows: bool = False,
        administration: bool = False,
        kind: Kind = "workflow",
    ) -> str:
        """Add a token for repositories and return its text."""
        text = ("ghp_" if kind == "person" else "ghs_") + secrets.token_hex(18)
        name = f"token-{len(self.tokens) + 1}"
        self._account.tokens[text] = Token(
            text, name, repositories, contents, pull_requests, workflows, administration, kind
        )  # fmt: skip
        return text

    def content(self, asset: Asset) -> bytes:
        """Return what was uploaded."""
        return self._api.assets.path(asset).read_bytes()

    def calls(self) -> list[Seen]:
        """Return the requests that count for GitHub's limits: not downloads, and not those that ask for the limits."""
        return [seen for seen in self.requests if seen.path.startswith(API_PATHS)]

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send, lambda done: self._note(scope, done))
        try:
            await exchange.run(self._api.app, self._mischief.choose(exchange.method, exchange.path))
        except ClientDisconnect:
            pass  # in the middle of its request: nobody is left to be answered
        except Exception:
            self.violations.append(traceback.format_exc())
            raise
        finally:
            exchange.note()

    def _note(self, scope: Scope, exchange: Exchange) -> None:
        where, query = f"{exchange.method} {exchange.path}", scope["query_string"].decode()
        if any(text in exchange.path or text in query for text in self.tokens):
            self.violations.append(f"{where}: a token in the address")
        if exchange.status == 405 or (exchange.status == 404 and exchange.unrouted):
            self.violations.append(f"{where}: no such path")
        token = self.tokens.get(exchange.headers.get("authorization", "").partition(" ")[2])
        shown = {name: value for name, value in exchange.headers.items() if name != "authorization"}
        self.requests.append(
            Seen(
                exchange.method, exchange.path, query, shown, exchange.status, token.name if token else "anonymous",
                self.rules.clock(), exchange.path.startswith(API_PATHS) and creates_content(exchange.method),
                exchange.fault,
            )
        )  # fmt: skip
