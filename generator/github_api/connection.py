"""The GitHub API's address, the repository, the token and the commit, all from environment variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from generator.errors import InputError
from generator.git import git_output
from generator.manifest.values import ServiceUrl

PUBLIC_API: Final = "https://api.github.com"
_PUBLIC_SERVER: Final = "https://github.com"
# Entries of one page: GitHub's maximum.
PAGE: Final = 100
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}/[A-Za-z0-9._-]{1,100}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Connection:
    """The API's address, the repository, and the token or None for anonymous requests; the repr hides the token."""

    api_url: str
    repository: str
    token: str | None = field(repr=False)


def connection(environment: Mapping[str, str], *, anonymous: bool = False) -> Connection:
    """Return the connection that the environment describes; InputError lists every missing or wrong variable.

    With `anonymous` the token is optional. Error messages never contain the token.
    """
    token, repository = environment.get("GITHUB_TOKEN", ""), environment.get("GITHUB_REPOSITORY", "")
    api_url = environment.get("GITHUB_API_URL") or PUBLIC_API
    problems = []
    if not token and not anonymous:
        problems.append("GITHUB_TOKEN is not set: use a token with write access to contents")
    elif not re.fullmatch(r"[!-~]*", token):
        problems.append("GITHUB_TOKEN is not one line of visible ASCII characters")
    if not _REPOSITORY.fullmatch(repository):
        problems.append(f"GITHUB_REPOSITORY is {f'{repository!r}, not' if repository else 'not set:'} OWNER/NAME")
    if not _may_receive_token(api_url):
        problems.append("GITHUB_API_URL must be https://host/path without user, password or query")
    if problems:
        raise InputError("environment variables for GitHub are missing or wrong", problems=tuple(problems))
    return Connection(api_url.rstrip("/"), repository, token or None)


def _may_receive_token(url: str) -> bool:
    """Return True if the URL is safe for a token: https, or this machine itself."""
    try:
        TypeAdapter(ServiceUrl).validate_python(url)
    except ValidationError:
        return False
    return True


def repository_url(environment: Mapping[str, str]) -> str:
    """Return the address of the repository's pages."""
    server = environment.get("GITHUB_SERVER_URL") or _PUBLIC_SERVER
    return f"{server.rstrip('/')}/{environment.get('GITHUB_REPOSITORY', '')}"


def commit_of(environment: Mapping[str, str], directory: Path) -> str:
    """Return the commit to release: GITHUB_SHA, or else the HEAD of the checkout in `directory`."""
    commit = environment.get("GITHUB_SHA") or git_output(["rev-parse", "HEAD"], timeout=30, cwd=directory).decode()
    if not _COMMIT.fullmatch(commit.strip()):
        raise InputError(
            "GITHUB_SHA is not a commit of 40 digits", fix="unset GITHUB_SHA to use the commit that is checked out"
        )
    return commit.strip()
