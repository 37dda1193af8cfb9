"""PyGithub as it is used here.

Its own retries are off: they would create a draft a second time when the first reply is lost, never repeat a PATCH, and
have no jitter. What is tried again, and when, is said in `pace`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import Any, TypeVar

from github import Auth, Github
from github.GithubException import BadAttributeException, GithubException
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester

from generator.github_api.adapter import GitHubAdapter
from generator.github_api.connection import PAGE, Connection
from generator.github_api.errors import AGENT, refusal, told

Kind = TypeVar("Kind", HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass)


def client(connection: Connection, timeout: int) -> Github:
    """Return a client of one thread; `timeout` is in seconds, for each call."""
    # PyGithub has no other way to a session of one's own, and lets go of its connection after each call then.
    Requester.injectConnectionClasses(
        partial(_connection, HTTPRequestsConnectionClass, connection.api_url),  # type: ignore[arg-type]
        partial(_connection, HTTPSRequestsConnectionClass, connection.api_url),  # type: ignore[arg-type]
    )
    return Github(
        auth=Auth.Token(connection.token) if connection.token else None,
        base_url=connection.api_url,
        user_agent=AGENT,
        timeout=timeout,
        per_page=PAGE,
        lazy=True,
        retry=None,
    )


def _connection(kind: type[Kind], api_url: str, host: str, port: int | None = None, **options: Any) -> Kind:
    made = kind(host, port, **options)
    made.session.mount(f"{made.protocol}://", GitHubAdapter(api_url))
    return made


@contextlib.contextmanager
def told_by_github() -> Iterator[None]:
    """Turn whatever PyGithub raises into a GitHubError."""
    with told():
        try:
            yield
        except BadAttributeException as error:
            raise ValueError from error
        except GithubException as error:
            raise refusal(error.status, error.headers or {}, error.data) from None
