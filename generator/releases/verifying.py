"""Verification of a published release: downloads, compared with the manifest, its own lists and GitHub's digests."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from generator.errors import Incomplete, InputError
from generator.github_api.retry import Retry
from generator.manifest.models import Manifest
from generator.manifest.settings import with_layout
from generator.releases.downloads import digested, download, download_small
from generator.releases.expected_assets import CHECKSUMS, asset_difference, expected_packages, parse_checksums
from generator.releases.protocol import Asset, Releases
from generator.reports.index import INDEX, MAX_INDEX_BYTES, FleetIndex, read_index
from generator.reports.models import Artifact
from generator.strict import Strict

MAX_CHECKSUMS_BYTES: Final = 1024 * 1024
"""Largest SHA256SUMS in bytes; 1,000 assets need a fifth of it."""


class Verified(Strict):
    """The number of verified packages, the crates in quarantine that the release is without, and if it has an index.

    A release of an earlier version of cratematrix has none.
    """

    packages: int
    absent: tuple[str, ...]
    index: bool


def verify(releases: Releases, tag: str, manifest: Manifest, retry: Retry) -> Verified:
    """Download every asset of a published release and compare it.

    Incomplete lists every difference between the manifest, fleet.json, SHA256SUMS, GitHub's list and the downloaded
    files. No file is stored.
    """
    release = retry.call(partial(releases.published_release, tag), f"looking for the published release {tag}")
    assets = retry.call(partial(releases.assets, release.id), f"listing the assets of {tag}")
    listed = {asset.name: asset for asset in sorted(assets, key=lambda each: each.name)}
    files, failed = _download_all([asset for asset in listed.values() if asset.name != CHECKSUMS], releases, retry)
    digests, unreadable = _download_checksums(releases, listed.get(CHECKSUMS), retry)
    index, no_index = _download_index(releases, listed.get(INDEX), retry)
    packages, absent = _expected(manifest, digests.keys() | listed.keys())
    names = {*packages, *({INDEX} & {*digests, *listed})}
    problems = [*failed, *unreadable, *no_index, *_differences(names, digests, listed, files)]
    if index:
        problems += index_differences(index, tag, manifest, packages, files)
    if problems:
        raise Incomplete(
            f"release {release.id}, published as {release.tag}, does not have the expected assets",
            problems=tuple(dict.fromkeys(problems)),
        )
    return Verified(packages=len(files.keys() & packages.keys()), absent=absent, index=index is not None)


def _expected(manifest: Manifest, known: Collection[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the expected packages with their crates, and the crates in quarantine without any known package.

    Expected are all root packages, and the known platform packages; others were skipped. The day does not matter:
    publication has decided by its own, and a release stays right when a quarantine ends after it.
    """
    names, roots = expected_packages(manifest), expected_packages(with_layout(manifest, "single"))
    present = {crate for name, crate in names.items() if name in known}
    quarantined = {crate.name for crate in manifest.crates if crate.quarantine}
    absent = (quarantined & {*names.values()}) - present
    expected = {
        name: crate for name, crate in names.items() if name in known or (name in roots and crate not in absent)
    }
    return expected, tuple(sorted(absent))


def _differences(
    names: Collection[str], digests: Mapping[str, str], listed: Mapping[str, Asset], files: Mapping[str, Artifact]
) -> Iterator[str]:
    for name in sorted({*names, *digests, *listed} - {CHECKSUMS}):
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


def index_differences(
    index: FleetIndex, tag: str, manifest: Manifest, packages: Collection[str], files: Mapping[str, Artifact]
) -> Iterator[str]:
    """Yield a sentence for each difference between the index, the manifest and the downloaded packages.

    `packages` are the expected ones. `files` are all downloads, and unexpected ones are a problem already.
    """
    if index.tag != tag:
        yield f"{INDEX} is that of {index.tag}, not of {tag}"
    versions, indexed = ({each.name: each.version for each in of.crates} for of in (manifest, index))
    for name in sorted(versions.keys() | indexed.keys()):
        if versions.get(name) != indexed.get(name):
            one, other = (f"{name} {of[name]}" if name in of else f"no {name}" for of in (indexed, versions))
            yield f"{INDEX} has {one}, but the manifest has {other}"
    for name in sorted({*(files.keys() & packages), *index.packages}):
        if name not in index.packages:
            yield f"{name} is not in {INDEX}"
        elif name in files and files[name] != index.packages[name]:
            yield f"{name} has another size or SHA-256 in {INDEX}"
        elif name not in files and name not in packages:
            yield f"{name} is in {INDEX}, but not on the release"


def _download_checksums(
    releases: Releases, asset: Asset | None, retry: Retry
) -> tuple[dict[str, str], tuple[str, ...]]:
    if asset is None:
        return {}, (f"{CHECKSUMS} is not on the release",)
    content, differences = download_small(releases, asset, MAX_CHECKSUMS_BYTES, retry)
    digests, problems = parse_checksums(content.decode(errors="replace"))
    return digests, (*problems, *differences)


def _download_index(releases: Releases, asset: Asset | None, retry: Retry) -> tuple[FleetIndex | None, tuple[str, ...]]:
    if asset is None:
        return None, ()
    content, differences = download_small(releases, asset, MAX_INDEX_BYTES, retry)
    if differences:
        return None, differences
    try:
        return read_index(content, INDEX), ()
    except InputError as error:
        return None, (error.message,)


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
