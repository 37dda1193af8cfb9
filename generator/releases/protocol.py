"""Releases and assets, and the protocol of the service that keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, Protocol

from generator.strict import Strict

# GitHub lists releases with all their assets and answers 504 to larger pages: https://github.com/tcnksm/ghr/issues/163
RELEASES_PAGE: Final = 30


class Release(Strict):
    """A release at GitHub; publication creates its tag at `commit`, a SHA or a branch."""

    id: int
    tag: str
    commit: str
    title: str
    body: str
    draft: bool
    immutable: bool
    upload_url: str

    @property
    def final_state(self) -> Literal["immutable", "published"] | None:
        """The state that forbids changes; None for a draft."""
        return "immutable" if self.immutable else None if self.draft else "published"


class Asset(Strict):
    """A file of a release: `size` in bytes, `digest` as "sha256:…" or None without one.

    `state` is "uploaded" for a complete file and "starter" after an interrupted upload.
    """

    id: int
    name: str
    state: str
    size: int
    digest: str | None
    url: str


class Releases(Protocol):
    """The releases of one repository; methods raise GitHubError and never retry."""

    def list_for_tag(self, tag: str, until: int | None = None) -> tuple[Release, ...]:
        """Return every release of a tag; drafts only for a token with write access to contents.

        With the id `until` the list ends with the page that has that release.
        """

    def published_with_asset(self, name: str) -> tuple[Release, ...]:
        """Return every published release that lists an asset of this name."""

    def tag_commit(self, tag: str) -> str | None:
        """Return the commit of an existing tag, or None."""

    def published_release(self, tag: str) -> Release:
        """Return the published release of a tag."""

    def published_assets(self, tag: str) -> tuple[Asset, ...]:
        """Return every asset of the published release of a tag, by one request."""

    def latest_tag(self) -> str | None:
        """Return the tag of the latest release, or None."""

    def requests_left(self) -> int | None:
        """Return the number of requests that this hour has left, None without a limit; asking counts as none."""

    def count(self) -> int:
        """Return the number of releases."""

    def get(self, release: int) -> Release:
        """Return a release by its numeric id."""

    def create(self, tag: str, commit: str, body: str, prerelease: bool) -> Release:
        """Create a draft; GitHub allows several drafts of one tag."""

    def remove(self, release: Release) -> None:
        """Delete a draft; a missing one is no error."""

    def publish(self, release: Release, body: str, prerelease: bool, latest: bool) -> Release:
        """Publish a draft with a text; with `latest` it becomes the release that the repository shows first."""

    def assets(self, release: int) -> tuple[Asset, ...]:
        """Return every asset of a release, including those of interrupted uploads."""

    def upload(self, release: Release, path: Path, name: str) -> Asset:
        """Upload a file, with a deadline by its size."""

    def delete(self, asset: Asset) -> None:
        """Delete an asset; a missing one is no error."""

    def download(self, asset: Asset) -> Iterator[bytes]:
        """Yield the file of an asset in chunks; the token is used only when an anonymous request is refused."""
