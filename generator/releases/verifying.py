"""What the world gets when it downloads a release, compared with all that is said of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from generator.errors import Incomplete, InputError
from generator.github_api.errors import GitHubError
from generator.github_api.retry import Retry
from generator.manifest.models import Manifest
from generator.manifest.settings import with_layout
from generator.releases.expected_assets import SUMS, difference, expected_packages, read_sums
from generator.releases.protocol import Asset, Releases
from generator.reports.models import Artifact

MAX_SUMS: Final = 1024 * 1024
"""Bytes of SHA256SUMS that are read; 1,000 assets need a fifth of it."""


def verify(releases: Releases, tag: str, manifest: Manifest, patience: Retry) -> int:
    """Download every asset of a published release, and return how many are as promised.

    Incomplete with every difference between what the manifest promises, SHA256SUMS says, GitHub lists and comes.
    Nothing is kept of a file but its digest.
    """
    release = patience.call(partial(releases.published, tag), f"looking for {tag}, published and no draft")
    assets = patience.call(partial(releases.assets, release.id), f"listing the assets of {tag}")
    there = {asset.name: asset for asset in sorted(assets, key=lambda each: each.name)}
    files, lost = _received([asset for asset in there.values() if asset.name != SUMS], releases, patience)
    digests, unreadable = _sums(releases, there.get(SUMS), patience)
    names = _expected(manifest, digests.keys() | there.keys())
    problems = (*lost, *unreadable, *_differences(names, digests, there, files))
    if problems:
        raise Incomplete(
            f"release {release.id}, which is published as {release.tag}, is not what was promised", problems=problems
        )
    return len(files)


def _expected(manifest: Manifest, known: Collection[str]) -> dict[str, str]:
    """Return what must be there: every root package, and of a platform's those known of, for others were skipped."""
    roots = expected_packages(with_layout(manifest, "single"))
    return {name: crate for name, crate in expected_packages(manifest).items() if name in roots or name in known}


def _differences(
    names: Mapping[str, str], digests: Mapping[str, str], there: Mapping[str, Asset], files: Mapping[str, Artifact]
) -> Iterator[str]:
    for name in sorted((names.keys() | digests.keys() | there.keys()) - {SUMS}):
        if name not in names:
            yield f"{name} is there and the manifest does not promise it"
        if name not in digests:
            yield f"{name} is not in {SUMS}"
        if name not in there:
            yield f"{name} is not on the release"
        elif name not in files:
            continue  # it could not be downloaded, which is told already
        elif problem := difference(files[name], there[name]):
            yield problem
        elif digests.get(name, files[name].sha256) != files[name].sha256:
            yield f"{name} has another SHA-256 than {SUMS} says"


def _sums(releases: Releases, asset: Asset | None, patience: Retry) -> tuple[dict[str, str], tuple[str, ...]]:
    if asset is None:
        return {}, (f"{SUMS} is not on the release",)
    if asset.size > MAX_SUMS:
        return {}, (f"{SUMS} has {asset.size} bytes, more than any release needs",)

    def read() -> tuple[Artifact, str]:
        content = bytearray()
        received = _downloaded(releases, asset, content.extend)
        return received, content.decode(errors="replace")

    received, text = patience.call(read, f"downloading {SUMS}")
    digests, problems = read_sums(text)
    return digests, (*problems, *filter(None, (difference(received, asset),)))


def _received(
    assets: Sequence[Asset], releases: Releases, patience: Retry
) -> tuple[dict[str, Artifact], tuple[str, ...]]:
    """Download files to take their sizes and digests; with a sentence for each that nobody gets."""
    files, lost = dict[str, Artifact](), list[str]()
    for asset in assets:
        try:
            files[asset.name] = patience.call(partial(_downloaded, releases, asset, len), f"downloading {asset.name}")
        except InputError as error:
            lost.append(error.message)
    return files, tuple(lost)


def _downloaded(releases: Releases, asset: Asset, take: Callable[[bytes], object]) -> Artifact:
    """Read a file, up to the first piece that it should not have; GitHubError when it ends too early."""
    size, digest = 0, hashlib.sha256()
    for piece in releases.download(asset):
        take(piece)
        size += len(piece)
        digest.update(piece)
        if size > asset.size:
            break
    if size < asset.size:
        raise GitHubError(f"{asset.name} ended after {size} of {asset.size} bytes")
    return Artifact(file=asset.name, bytes=size, sha256=digest.hexdigest())
