"""Releases at GitHub, through PyGithub and `transfers`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from github.GithubException import GithubException
from github.GitRelease import GitRelease
from github.GitReleaseAsset import GitReleaseAsset

from generator.github_api.connection import PAGE, Connection
from generator.github_api.hosts import check_host
from generator.github_api.pygithub import client, map_pygithub_errors
from generator.releases.protocol import RELEASES_PAGE, Asset, Release
from generator.releases.transfers import Transfers, TransferTimeouts


class GitHubReleases:
    """The releases of one repository: implements `protocol.Releases`."""

    def __init__(self, connection: Connection, timeouts: TransferTimeouts | None = None) -> None:
        timeouts = timeouts or TransferTimeouts()
        self._github = client(connection, timeouts.idle)
        self._repository = self._github.get_repo(connection.repository)
        self._api_url = connection.api_url
        self._assets_url = f"{connection.api_url}/repos/{connection.repository}/releases/assets"
        self._transfers = Transfers(connection, timeouts)

    def close(self) -> None:
        """Close every connection."""
        self._github.close()
        self._transfers.close()

    def list_for_tag(self, tag: str, until: int | None = None) -> tuple[Release, ...]:
        """Return every release of a tag, including drafts; with the id `until`, up to the page that has it."""
        found, seen = list[Release](), False
        with self._pages_of_releases(), map_pygithub_errors():
            for number, each in enumerate(self._repository.get_releases(), 1):
                found += [_release(each)] if each.tag_name == tag else []
                seen = seen or each.id == until
                if seen and number % RELEASES_PAGE == 0:
                    break
        return tuple(found)

    def published_with_asset(self, name: str) -> tuple[Release, ...]:
        """Return every published release that lists an asset of this name."""
        with self._pages_of_releases(), map_pygithub_errors():
            return tuple(
                _release(each)
                for each in self._repository.get_releases()
                if not each.draft and any(asset.name == name for asset in each.assets)
            )

    def requests_left(self) -> int | None:
        """Return the number of requests that this hour has left, None for a server without a limit."""
        with map_pygithub_errors():
            try:
                return self._github.get_rate_limit().resources.core.remaining
            except GithubException as error:
                if error.status == 404:
                    return None
                raise

    def count(self) -> int:
        """Return the number of releases, for a token with write access with all drafts."""
        with map_pygithub_errors():
            return self._repository.get_releases().totalCount

    def latest_tag(self) -> str | None:
        """Return the tag of the latest release, or None."""
        with map_pygithub_errors():
            try:
                return self._repository.get_latest_release().complete().tag_name
            except GithubException as error:
                if error.status == 404:
                    return None
                raise

    def tag_commit(self, tag: str) -> str | None:
        """Return the commit of an existing tag, or None."""
        with map_pygithub_errors():
            try:
                return self._repository.get_commit(f"tags/{tag}").complete().sha
            except GithubException as error:
                # 422 is GitHub's "no commit found for" an unknown reference.
                if error.status in (404, 422):
                    return None
                raise

    def published_release(self, tag: str) -> Release:
        """Return the published release of a tag."""
        with map_pygithub_errors():
            return _release(self._repository.get_release(tag))

    def published_assets(self, tag: str) -> tuple[Asset, ...]:
        """Return every asset of the published release of a tag, by one request."""
        with map_pygithub_errors():
            return tuple(_asset(each) for each in self._repository.get_release(tag).assets)

    def get(self, release: int) -> Release:
        """Return a release by its numeric id."""
        with map_pygithub_errors():
            # A lazy release takes its tag from the URL, which holds the id in its place.
            return _release(self._repository.get_release(release).complete())

    def create(self, tag: str, commit: str, body: str, prerelease: bool) -> Release:
        """Create a draft."""
        with map_pygithub_errors():
            return _release(
                self._repository.create_git_release(
                    tag,
                    tag,
                    body,
                    draft=True,
                    prerelease=prerelease,
                    target_commitish=commit,
                    make_latest="false",
                )
            )

    def remove(self, release: Release) -> None:
        """Delete a draft."""
        with map_pygithub_errors(), _ignore_missing():
            self._repository.get_release(release.id).delete_release()

    def publish(self, release: Release, body: str, prerelease: bool, latest: bool) -> Release:
        """Publish a draft with a text; with `latest` it becomes the release that the repository shows first."""
        with map_pygithub_errors():
            return _release(
                self._repository.get_release(release.id).update_release(
                    release.title,
                    body,
                    draft=False,
                    prerelease=prerelease,
                    tag_name=release.tag,
                    make_latest="true" if latest else "false",
                )
            )

    def assets(self, release: int) -> tuple[Asset, ...]:
        """Return every asset of a release."""
        with map_pygithub_errors():
            return tuple(_asset(each) for each in self._repository.get_release(release).get_assets())

    def upload(self, release: Release, path: Path, name: str) -> Asset:
        """Upload a file."""
        url = release.upload_url.partition("{")[0]
        check_host(url, self._api_url)  # refuses text that is no URL, too
        data = self._transfers.upload(url, path, name)
        with map_pygithub_errors():
            return _asset(self._github.create_from_raw_data(GitReleaseAsset, data))

    def delete(self, asset: Asset) -> None:
        """Delete an asset."""
        with map_pygithub_errors(), _ignore_missing():
            self._repository.get_release_asset(asset.id).delete_asset()

    def download(self, asset: Asset) -> Iterator[bytes]:
        """Yield the file of an asset in chunks; the token is used only when an anonymous request is refused."""
        return self._transfers.download(asset.url, asset.size, f"{self._assets_url}/{asset.id}")

    @contextlib.contextmanager
    def _pages_of_releases(self) -> Iterator[None]:
        """List in the page size of releases."""
        self._github.per_page = RELEASES_PAGE
        try:
            yield
        finally:
            self._github.per_page = PAGE


@contextlib.contextmanager
def _ignore_missing() -> Iterator[None]:
    """Ignore 404: another process, or an earlier attempt with a lost response, has deleted the object already."""
    try:
        yield
    except GithubException as error:
        if error.status != 404:
            raise


def _release(each: GitRelease) -> Release:
    return Release(
        id=each.id,
        tag=each.tag_name,
        commit=each.target_commitish,
        title=each.name or each.tag_name,
        body=each.body or "",
        draft=each.draft,
        immutable=bool(each.immutable),
        upload_url=each.upload_url,
    )


def _asset(each: GitReleaseAsset) -> Asset:
    return Asset(
        id=each.id,
        name=each.name,
        state=each.state,
        size=each.size,
        digest=each.digest,
        url=each.browser_download_url,
    )
