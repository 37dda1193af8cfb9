"""Servers of one test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.github_server.rules import Rules
from tests.github_server.server import GitHubServer

StartServer = Callable[..., GitHubServer]


@contextmanager
def servers() -> Iterator[StartServer]:
    """Yield what starts servers, and end them; what broke GitHub's document, or showed a token, fails the test."""
    started: list[GitHubServer] = []
    with ExitStack() as stack:

        def start(rules: Rules | None = None, source: Path | None = None, **more: object) -> GitHubServer:
            server = GitHubServer(rules, source=source, **more)  # type: ignore[arg-type]
            started.append(stack.enter_context(server))
            return server

        yield start
    assert [violation for each in started for violation in each.violations] == []
