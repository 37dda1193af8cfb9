"""The release that a new one follows, and its index with the crates whose packages can be taken from there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from generator.errors import InputError
from generator.github_api.retry import Retry
from generator.planning.measurements import Remembered
from generator.releases.downloads import download_small, with_digest
from generator.releases.expected_assets import asset_difference
from generator.releases.protocol import Asset, Release, Releases
from generator.releases.tags import becomes_latest, matches_pattern
from generator.reports.index import INDEX, MAX_INDEX_BYTES, FleetIndex, IndexedCrate, read_index


def followed_release(published: Iterable[Release], tag: str, pattern: str) -> Release | None:
    """Return the latest release whose tag matches the pattern and that one of this tag would replace as the latest."""
    found: Release | None = None
    for each in sorted(published, key=lambda release: release.id):
        if each.tag == tag or not matches_pattern(each.tag, pattern) or not becomes_latest(tag, each.tag):
            continue
        if becomes_latest(each.tag, found.tag if found else None):
            found = each
    return found


def previous_index(releases: Releases, tag: str, pattern: str, retry: Retry) -> FleetIndex | None:
    """Return the index of the release that a new one follows, with only the crates that can be taken from there.

    Those were built, their input is known, and GitHub still has each package with the size and digest of the index. The
    measurements of the others are kept as remembered. A release without a readable index is as none.
    """
    published = retry.call(partial(releases.published_with_asset, INDEX), f"looking for releases with {INDEX}")
    release = followed_release(published, tag, pattern)
    if release is None:
        return None
    assets = retry.call(partial(releases.published_assets, release.tag), f"listing the assets of {release.tag}")
    listed = {asset.name: asset for asset in assets}
    try:
        index = _download(releases, release, listed.get(INDEX), retry)
    except InputError as error:
        retry.note(f"nothing is taken from the release {release.tag}: {error.message}")
        return None
    crates = tuple(crate for crate in index.crates if _can_be_taken(releases, crate, listed, retry))
    taken = {crate.name for crate in crates}
    others = tuple(
        Remembered(name=crate.name, measurements=crate.measurements)
        for crate in index.crates
        if crate.measurements and crate.name not in taken
    )
    return index.model_copy(update={"crates": crates, "remembered": others})


def _download(releases: Releases, release: Release, asset: Asset | None, retry: Retry) -> FleetIndex:
    if asset is None:
        raise InputError(f"{INDEX} is gone")
    content, problems = download_small(releases, asset, MAX_INDEX_BYTES, retry)
    if problems:
        raise InputError(problems[0])
    index = read_index(content, INDEX)
    if index.tag != release.tag:
        raise InputError(f"{INDEX} is that of {index.tag}")
    return index


def _can_be_taken(releases: Releases, crate: IndexedCrate, listed: Mapping[str, Asset], retry: Retry) -> bool:
    if crate.state != "built" or crate.cache_key is None:
        return False
    for file in crate.packages:
        asset = listed.get(file.file)
        if asset is None:
            return False
        asset = retry.call(partial(with_digest, releases, file, asset), f"downloading {file.file}")
        if asset_difference(file, asset):
            return False
    return True
