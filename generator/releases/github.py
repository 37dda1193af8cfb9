"""GitHub's releases through PyGithub."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from github.GithubException import GithubException
from github.GitRelease import GitRelease
from github.GitReleaseAsset import GitReleaseAsset

from generator.github_api.connection import PAGE, Connection
from generator.github_api.hosts import check_host
from generator.github_api.pygithub import client, told_by_github
from generator.releases.protocol import Asset, Release
from generator.releases.transfers import Timing, Transfers

# Every release of a page comes with its assets: https://github.com/tcnksm/ghr/issues/163 tells of the 504s that follow.
RELEASES_PAGE: Final = 30


class GitHubReleases:
    """The releases of one repository; see `service.Releases`."""

    def __init__(self, connection: Connection, timing: Timing | None = None) -> None:
        timing = timing or Timing()
        self._github = client(connection, timing.idle)
        self._repository = self._github.get_repo(connection.repository)
        self._api_url = connection.api_url
        self._assets_url = f"{connection.api_url}/repos/{connection.repository}/releases/assets"
        self._transfers = Transfers(connection, timing)

    def close(self) -> None:
        """Close every connection."""
        self._github.close()
        self._transfers.close()

    def of_tag(self, tag: str) -> tuple[Release, ...]:
        """Return every release of a tag, drafts too."""
        self._github.per_page = RELEASES_PAGE
        try:
            with told_by_github():
                return tuple(_release(each) for each in self._repository.get_releases() if each.tag_name == tag)
        finally:
            self._github.per_page = PAGE

    def tagged(self, tag: str) -> str | None:
        """Return the commit that a tag is on already, or None where there is no such tag."""
        with told_by_github():
            try:
                return self._repository.get_commit(f"tags/{tag}").complete().sha
            except GithubException as error:
                # 422 is GitHub's "no commit found for" a reference that it does not know.
                if error.status in (404, 422):
                    return None
                raise

    def published(self, tag: str) -> Release:
        """Return the published release of a tag."""
        with told_by_github():
            return _release(self._repository.get_release(tag))

    def get(self, release: int) -> Release:
        """Return a release by its number."""
        with told_by_github():
            # What is not complete yet takes its tag from its URL, which has a number there.
            return _release(self._repository.get_release(release).complete())

    def create(self, tag: str, commit: str, body: str, prerelease: bool) -> Release:
        """Create a draft."""
        with told_by_github():
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
        with told_by_github(), _gone_is_fine():
            self._repository.get_release(release.id).delete_release()

    def publish(self, release: Release, prerelease: bool) -> Release:
        """Publish a draft, as the latest release unless it is a prerelease."""
        with told_by_github():
            return _release(
                self._repository.get_release(release.id).update_release(
                    release.title,
                    release.body,
                    draft=False,
                    prerelease=prerelease,
                    tag_name=release.tag,
                    make_latest="false" if prerelease else "true",
                )
            )

    def assets(self, release: int) -> tuple[Asset, ...]:
        """Return every asset of a release."""
        with told_by_github():
            return tuple(_asset(each) for each in self._repository.get_release(release).get_assets())

    def upload(self, release: Release, path: Path, name: str) -> Asset:
        """Send a file."""
        url = release.upload_url.partition("{")[0]
        check_host(url, self._api_url)  # also of what is no URL at all
        data = self._transfers.send(url, path, name)
        with told_by_github():
            return _asset(self._github.create_from_raw_data(GitReleaseAsset, data))

    def delete(self, asset: Asset) -> None:
        """Delete an asset."""
        with told_by_github(), _gone_is_fine():
            self._repository.get_release_asset(asset.id).delete_asset()

    def download(self, asset: Asset) -> Iterator[bytes]:
        """Yield a file as the world gets it; with the token only where nobody gets it without."""
        return self._transfers.get(asset.url, asset.size, f"{self._assets_url}/{asset.id}")


@contextlib.contextmanager
def _gone_is_fine() -> Iterator[None]:
    """Let another process, or a try whose reply was lost, have deleted it before."""
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
