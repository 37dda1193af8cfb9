"""What a release and its assets are, and what GitHub can do with them: the door that commands are given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Protocol

from generator.strict import Strict


class Release(Strict):
    """A release as GitHub tells it; `commit` is what its tag is put on when it is published, a SHA or a branch."""

    id: int
    tag: str
    commit: str
    title: str
    body: str
    draft: bool
    immutable: bool
    upload_url: str

    @property
    def closed(self) -> Literal["immutable", "published"] | None:
        """Why nothing of it may change any more; None for a draft."""
        return "immutable" if self.immutable else None if self.draft else "published"


class Asset(Strict):
    """A file of a release: `size` in bytes, `digest` as "sha256:…", None where GitHub has none.

    `state` is "uploaded" for a file that is there whole; "starter" is what a broken upload leaves.
    """

    id: int
    name: str
    state: str
    size: int
    digest: str | None
    url: str


class Releases(Protocol):
    """The releases of one repository; every method raises GitHubError, and none of them tries again."""

    def of_tag(self, tag: str) -> tuple[Release, ...]:
        """Return every release of a tag, drafts too, which only a token that may write contents is shown."""

    def tagged(self, tag: str) -> str | None:
        """Return the commit that a tag is on already, or None where there is no such tag."""

    def published(self, tag: str) -> Release:
        """Return the published release of a tag."""

    def get(self, release: int) -> Release:
        """Return a release by its number."""

    def create(self, tag: str, commit: str, body: str, prerelease: bool) -> Release:
        """Create a draft; GitHub takes any number of drafts of one tag."""

    def remove(self, release: Release) -> None:
        """Delete a draft; one that is gone already is as good."""

    def publish(self, release: Release, prerelease: bool) -> Release:
        """Publish a draft, as the latest release unless it is a prerelease."""

    def assets(self, release: int) -> tuple[Asset, ...]:
        """Return every asset of a release, those of broken uploads too."""

    def upload(self, release: Release, path: Path, name: str) -> Asset:
        """Send a file, within a time that depends on its size alone."""

    def delete(self, asset: Asset) -> None:
        """Delete an asset; one that is gone already is as good."""

    def download(self, asset: Asset) -> Iterator[bytes]:
        """Yield a file as the world gets it; with the token only where nobody gets it without."""
