"""Downloads of assets to hash them, also for servers that give no digest, such as older ones of GitHub Enterprise."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from generator.github_api.errors import GitHubError
from generator.github_api.retry import Retry
from generator.releases.expected_assets import asset_difference
from generator.releases.protocol import Asset, Releases
from generator.reports.models import Artifact


def with_digest(releases: Releases, file: Artifact, asset: Asset) -> Asset:
    """Return the asset with a digest: the server's, or else that of its download, if it may be this file."""
    if asset.digest or asset.state != "uploaded" or asset.size != file.bytes:
        return asset
    return digested(asset, download(releases, asset, len))


def digested(asset: Asset, downloaded: Artifact) -> Asset:
    """Return the asset with a digest: the server's, or else that of the file that it sent."""
    return asset if asset.digest else asset.model_copy(update={"digest": f"sha256:{downloaded.sha256}"})


def download_small(releases: Releases, asset: Asset, limit: int, retry: Retry) -> tuple[bytes, tuple[str, ...]]:
    """Return the content of an asset of at most `limit` bytes, and a sentence for each problem with it."""
    if asset.size > limit:
        return b"", (f"{asset.name} has {asset.size} bytes, more than the limit of {limit:,}",)

    def read() -> tuple[Artifact, bytes]:
        content = bytearray()
        return download(releases, asset, content.extend), bytes(content)

    artifact, content = retry.call(read, f"downloading {asset.name}")
    problem = asset_difference(artifact, digested(asset, artifact))
    return content, (problem,) if problem else ()


def download(releases: Releases, asset: Asset, take: Callable[[bytes], object]) -> Artifact:
    """Download a file, up to the first byte too much; GitHubError if it ends early. `take` gets each chunk."""
    size, digest = 0, hashlib.sha256()
    for chunk in releases.download(asset):
        take(chunk)
        size += len(chunk)
        digest.update(chunk)
        if size > asset.size:
            break
    if size < asset.size:
        raise GitHubError(f"{asset.name} ended after {size} of {asset.size} bytes")
    return Artifact(file=asset.name, bytes=size, sha256=digest.hexdigest())
