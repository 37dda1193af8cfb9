"""PyGithub as it is used here.

Its own retries are off: they would create a draft a second time when the first reply is lost, never repeat a PATCH, and
have no jitter. What is tried again, and when, is said in `pace`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from github import Auth, Github
from github.GithubException import BadAttributeException, GithubException

from generator.github_api.connection import PAGE, Connection
from generator.github_api.troubles import AGENT, refusal, told


def client(connection: Connection, timeout: int) -> Github:
    """Return a client of one thread; `timeout` is in seconds, for each call."""
    return Github(
        auth=Auth.Token(connection.token) if connection.token else None,
        base_url=connection.api_url,
        user_agent=AGENT,
        timeout=timeout,
        per_page=PAGE,
        lazy=True,
        retry=None,
    )


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
