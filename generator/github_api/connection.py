"""Which repository on which GitHub, with which token, and at which commit: said by the environment alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from generator.errors import InputError
from generator.manifest.values import ServiceUrl
from generator.sources.tree import git_output

PUBLIC_API: Final = "https://api.github.com"
# The most that GitHub lists at once.
PAGE: Final = 100
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}/[A-Za-z0-9._-]{1,100}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
# What can stand in git's and in GitHub's URLs; a tag that git refuses for another reason is refused by GitHub.
_TAG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*(/[A-Za-z0-9][A-Za-z0-9._+-]*)*")


@dataclass(frozen=True)
class Connection:
    """How GitHub is reached; no token is in its repr, and None asks as anybody."""

    api_url: str
    repository: str
    token: str | None = field(repr=False)


def connection(environment: Mapping[str, str], *, anonymous: bool = False) -> Connection:
    """Return the connection; InputError with everything that is missing or wrong at once, and no token in it.

    `anonymous` is for what works without a token, too.
    """
    token, repository = environment.get("GITHUB_TOKEN", ""), environment.get("GITHUB_REPOSITORY", "")
    api_url = environment.get("GITHUB_API_URL") or PUBLIC_API
    problems = []
    if not token and not anonymous:
        problems.append("GITHUB_TOKEN is not set: give one that may write contents")
    elif not re.fullmatch(r"[!-~]*", token):
        problems.append("GITHUB_TOKEN is not visible ASCII on one line")
    if not _REPOSITORY.fullmatch(repository):
        problems.append(f"GITHUB_REPOSITORY is {f'{repository!r}, not' if repository else 'not set:'} OWNER/NAME")
    if not _is_private(api_url):
        problems.append("GITHUB_API_URL is not usable: https://host/path without user, password and query")
    if problems:
        raise InputError("GitHub cannot be reached as the environment says", problems=tuple(problems))
    return Connection(api_url.rstrip("/"), repository, token or None)


def _is_private(url: str) -> bool:
    """Whether a token may go to a URL: by https, or to this machine itself."""
    try:
        TypeAdapter(ServiceUrl).validate_python(url)
    except ValidationError:
        return False
    return True


def commit_of(environment: Mapping[str, str], directory: Path) -> str:
    """Return the commit that is released: GITHUB_SHA, else the one that is checked out in `directory`."""
    commit = environment.get("GITHUB_SHA") or git_output(["rev-parse", "HEAD"], timeout=30, cwd=directory).decode()
    if not _COMMIT.fullmatch(commit.strip()):
        raise InputError("GITHUB_SHA is not a commit of 40 digits", fix="unset it to use the one that is checked out")
    return commit.strip()


def checked_tag(tag: str) -> str:
    """Return the tag; InputError when it is none that GitHub and git take."""
    if not _TAG.fullmatch(tag) or ".." in tag or tag.endswith((".", ".lock")) or len(tag) > 200:
        raise InputError(f"{tag!r} cannot be a tag: letters, digits and ._+-/ make one, such as v1.0.0")
    return tag
