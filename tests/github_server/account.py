"""What the server keeps: repositories, tokens and their rights, releases, assets and pull requests."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Final, Literal

from tests.github_server.git import Git
from tests.github_server.rules import Rules

Right = Literal["none", "read", "write"]
Kind = Literal["workflow", "app", "person"]
LOGINS: Final[Mapping[Kind, str]] = {"workflow": "github-actions[bot]", "app": "releaser[bot]", "person": "octocat"}


@dataclass(frozen=True)
class Token:
    """A token: whose kind it is, and what it may in the repositories it is for."""

    text: str = field(repr=False)
    name: str
    repositories: tuple[str, ...]
    contents: Right = "write"
    pull_requests: Right = "none"
    workflows: bool = False
    administration: bool = False
    kind: Kind = "workflow"

    @property
    def login(self) -> str:
        """Whose it is."""
        return LOGINS[self.kind]


ANONYMOUS: Final = Token("", "anonymous", (), "none")


@dataclass
class Asset:
    """A file on a release; `state` is `starter` where its upload broke off, and `sha256` then None."""

    id: int
    name: str
    label: str | None
    content_type: str
    state: str
    size: int
    sha256: str | None
    uploader: str
    created_at: datetime
    updated_at: datetime
    downloads: int = 0


@dataclass
class Release:
    """A release; `untagged` stands for its tag in addresses while it is a draft."""

    id: int
    tag: str
    name: str | None
    body: str | None
    draft: bool
    prerelease: bool
    target: str
    author: str
    created_at: datetime
    updated_at: datetime
    immutable: bool = False
    published_at: datetime | None = None
    assets: dict[int, Asset] = field(default_factory=dict)
    untagged: str = field(default_factory=lambda: f"untagged-{secrets.token_hex(10)}")

    def named(self, name: str) -> Asset | None:
        """Return its asset with a name."""
        return next((asset for asset in self.assets.values() if asset.name == name), None)


@dataclass
class Pull:
    """A pull request between two branches of one repository; `sha` is the last commit of `head`."""

    number: int
    id: int
    title: str
    body: str | None
    head: str
    base: str
    sha: str
    author: str
    created_at: datetime
    updated_at: datetime
    draft: bool = False
    state: Literal["open", "closed"] = "open"
    closed_at: datetime | None = None


@dataclass
class Repository:
    """A repository.

    `burned` are tags that an immutable release has used. `workflows_open_pulls` is the setting without which a
    workflow's token opens no pull request, whatever its rights; GitHub has it off in a new repository.
    """

    id: int
    full_name: str
    private: bool
    immutable: bool
    git: Git
    created_at: datetime
    releases: dict[int, Release] = field(default_factory=dict)
    pulls: dict[int, Pull] = field(default_factory=dict)
    latest: int | None = None
    burned: set[str] = field(default_factory=set)
    workflows_open_pulls: bool = False

    def find_asset(self, asset_id: int) -> tuple[Release, Asset] | None:
        """Return an asset and the release it is on."""
        found = (
            (release, release.assets[asset_id]) for release in self.releases.values() if asset_id in release.assets
        )
        return next(found, None)

    def published(self, tag: str) -> Release | None:
        """Return the published release of a tag."""
        return next((each for each in self.releases.values() if not each.draft and each.tag == tag), None)


class Numbers:
    """Identifiers, each given once."""

    def __init__(self) -> None:
        self._numbers: Iterator[int] = count(1_001)

    def next(self) -> int:
        """Return the next one."""
        return next(self._numbers)


@dataclass
class Account:
    """Everything that the server keeps; `directory` is where the content of assets is."""

    rules: Rules
    directory: Path
    repositories: dict[str, Repository] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    numbers: Numbers = field(default_factory=Numbers)
    violations: list[str] = field(default_factory=list)

    def repository(self, name: str) -> Repository | None:
        """Return a repository, however its name is written."""
        return self.repositories.get(name.lower())

    def now(self) -> datetime:
        """Return the time as GitHub tells it: without fractions."""
        return datetime.fromtimestamp(int(self.rules.clock()), UTC)
