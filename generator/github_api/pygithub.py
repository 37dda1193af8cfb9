"""PyGithub's client and error mapping.

PyGithub's own retries are off. They create a second draft after a lost response, never repeat a PATCH, and have no
jitter. The retry rules are in `retry`.
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
from generator.github_api.errors import USER_AGENT, error_from_response, map_transport_errors

ConnectionT = TypeVar("ConnectionT", HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass)


def client(connection: Connection, timeout: int) -> Github:
    """Return a client for one thread, with a timeout in seconds for each call."""
    # PyGithub takes an own session only from a connection class, and then opens a connection for each call.
    Requester.injectConnectionClasses(
        partial(_create_connection, HTTPRequestsConnectionClass, connection.api_url),  # type: ignore[arg-type]
        partial(_create_connection, HTTPSRequestsConnectionClass, connection.api_url),  # type: ignore[arg-type]
    )
    return Github(
        auth=Auth.Token(connection.token) if connection.token else None,
        base_url=connection.api_url,
        user_agent=USER_AGENT,
        timeout=timeout,
        per_page=PAGE,
        lazy=True,
        retry=None,
    )


def _create_connection(
    kind: type[ConnectionT], api_url: str, host: str, port: int | None = None, **options: Any
) -> ConnectionT:
    connection = kind(host, port, **options)
    connection.session.mount(f"{connection.protocol}://", GitHubAdapter(api_url))
    return connection


@contextlib.contextmanager
def map_pygithub_errors() -> Iterator[None]:
    """Map every PyGithub error to a GitHubError."""
    with map_transport_errors():
        try:
            yield
        except BadAttributeException as error:
            raise ValueError from error
        except GithubException as error:
            raise error_from_response(error.status, error.headers or {}, error.data) from None
