"""Verification of a published release: downloads, compared with the manifest, SHA256SUMS and GitHub's digests."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from generator.errors import Incomplete, InputError
from generator.github_api.retry import Retry
from generator.manifest.models import Manifest
from generator.manifest.settings import with_layout
from generator.releases.downloads import digested, download
from generator.releases.expected_assets import CHECKSUMS, asset_difference, expected_packages, parse_checksums
from generator.releases.protocol import Asset, Releases
from generator.reports.models import Artifact

MAX_CHECKSUMS_BYTES: Final = 1024 * 1024
"""Largest SHA256SUMS in bytes; 1,000 assets need a fifth of it."""


def verify(releases: Releases, tag: str, manifest: Manifest, retry: Retry) -> int:
    """Download every asset of a published release and return the number of verified packages.

    Incomplete lists every difference between the manifest, SHA256SUMS, GitHub's list and the downloaded files. No file
    is stored.
    """
    release = retry.call(partial(releases.published_release, tag), f"looking for the published release {tag}")
    assets = retry.call(partial(releases.assets, release.id), f"listing the assets of {tag}")
    listed = {asset.name: asset for asset in sorted(assets, key=lambda each: each.name)}
    files, failed = _download_all([asset for asset in listed.values() if asset.name != CHECKSUMS], releases, retry)
    digests, unreadable = _download_checksums(releases, listed.get(CHECKSUMS), retry)
    names = _expected(manifest, digests.keys() | listed.keys())
    problems = (*failed, *unreadable, *_differences(names, digests, listed, files))
    if problems:
        raise Incomplete(
            f"release {release.id}, published as {release.tag}, does not have the expected assets", problems=problems
        )
    return len(files)


def _expected(manifest: Manifest, known: Collection[str]) -> dict[str, str]:
    """Return the expected packages: all root packages, and the known platform packages; others were skipped."""
    roots = expected_packages(with_layout(manifest, "single"))
    return {name: crate for name, crate in expected_packages(manifest).items() if name in roots or name in known}


def _differences(
    names: Mapping[str, str], digests: Mapping[str, str], listed: Mapping[str, Asset], files: Mapping[str, Artifact]
) -> Iterator[str]:
    for name in sorted((names.keys() | digests.keys() | listed.keys()) - {CHECKSUMS}):
        if name not in names:
            yield f"{name} is not expected by the manifest"
        if name not in digests:
            yield f"{name} is not in {CHECKSUMS}"
        if name not in listed:
            yield f"{name} is not on the release"
        elif name not in files:
            continue  # its failed download is a problem already
        elif problem := asset_difference(files[name], digested(listed[name], files[name])):
            yield problem
        elif digests.get(name, files[name].sha256) != files[name].sha256:
            yield f"{name} has a different SHA-256 in {CHECKSUMS}"


def _download_checksums(
    releases: Releases, asset: Asset | None, retry: Retry
) -> tuple[dict[str, str], tuple[str, ...]]:
    if asset is None:
        return {}, (f"{CHECKSUMS} is not on the release",)
    if asset.size > MAX_CHECKSUMS_BYTES:
        return {}, (f"{CHECKSUMS} has {asset.size} bytes, more than the limit of {MAX_CHECKSUMS_BYTES:,}",)

    def read() -> tuple[Artifact, str]:
        content = bytearray()
        artifact = download(releases, asset, content.extend)
        return artifact, content.decode(errors="replace")

    artifact, text = retry.call(read, f"downloading {CHECKSUMS}")
    digests, problems = parse_checksums(text)
    return digests, (*problems, *filter(None, (asset_difference(artifact, digested(asset, artifact)),)))


def _download_all(
    assets: Sequence[Asset], releases: Releases, retry: Retry
) -> tuple[dict[str, Artifact], tuple[str, ...]]:
    """Return size and digest of each downloaded file, and a sentence for each failed download."""
    files, failed = dict[str, Artifact](), list[str]()
    for asset in assets:
        try:
            files[asset.name] = retry.call(partial(download, releases, asset, len), f"downloading {asset.name}")
        except InputError as error:
            failed.append(error.message)
    return files, tuple(failed)
