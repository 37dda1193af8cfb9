"""Publication of a draft: only when every expected asset is there, and nothing else."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from generator.errors import Incomplete
from generator.files.output import output_directory
from generator.github_api.errors import GitHubError
from generator.github_api.retry import RateLimit, Retry
from generator.manifest.models import Manifest
from generator.releases.downloads import with_digest
from generator.releases.expected_assets import (
    CHECKSUMS,
    built_packages,
    checksums_text,
    expected_packages,
    release_differences,
)
from generator.releases.notes import published_body
from generator.releases.protocol import Asset, Release, Releases
from generator.releases.records import is_record
from generator.releases.tags import becomes_latest, is_prerelease
from generator.releases.uploading import Package, check_commit, list_assets, open_draft, upload_package
from generator.reports.index import INDEX, fleet_index
from generator.reports.models import Artifact, Report
from generator.reports.quarantines import quarantine_words


def publish(
    releases: Releases,
    number: int,
    manifest: Manifest,
    report: Report,
    repository: str,
    out: Path,
    keep_draft: bool,
    retry: Retry,
) -> Release:
    """Complete and publish a draft; Incomplete lists everything that is wrong. Safe to repeat.

    `report` has the quarantines of the day: see `with_quarantines`. `repository` is its address, for the release's
    text. fleet.json and SHA256SUMS are written into `out` and are the last assets. `keep_draft` stops before the
    publication, which removes the records of the shards first. InputError if the report is of another commit.
    """
    files, problems = expected_assets(expected_packages(manifest, report), report)
    if not files and not problems and expected_packages(manifest):
        problems = ("every crate with a package failed in quarantine, so there is nothing to publish",)
    release = retry.call(partial(releases.get, number), f"getting release {number}")
    check_commit(release, report.commit)
    own = _own_files(fleet_index(manifest, report, release.tag, release.commit).content, files)
    complete = {**files, **{name: _artifact(name, content) for name, content in own.items()}}
    assets = _digested_assets(releases, release, complete, (), retry)
    records = [asset for asset in assets if release.draft and is_record(asset)]
    ignored = {record.name for record in records}
    _raise_if_incomplete(release, (*problems, *release_differences(files, assets, {*own, *ignored})))
    with output_directory(out) as results:
        results.write_all(own)
    if release.draft:
        for name in own:
            package = Package(out / name, complete[name])
            upload_package(releases, release, package, assets, RateLimit(0, retry.sleep), retry)
        assets = _digested_assets(releases, release, complete, assets, retry)
    _raise_if_incomplete(release, tuple(release_differences(complete, assets, ignored)))
    if keep_draft or not release.draft:
        return release
    for record in records:
        retry.call(partial(releases.delete, record), f"removing {record.name}")
    body = published_body(release.body, manifest, report, files, release.tag, repository)
    return _publish_once(releases, release, body, is_prerelease(release.tag, manifest.fleet), retry)


def unchanged_since(manifest: Manifest, report: Report) -> str | None:
    """Return the tag of the release before if all crates are as there; those that failed in quarantine do not count."""
    crates = {crate.name: crate for crate in report.crates}
    if crates.keys() != {crate.name for crate in manifest.crates}:
        return None
    tags = {crate.unchanged_since for crate in crates.values() if not crate.failed_in_quarantine}
    return tags.pop() if len(tags) == 1 else None


def remove_draft(releases: Releases, number: int, commit: str | None, retry: Retry) -> None:
    """Remove a draft with its assets; InputError for a published release, or if its packages are of another commit."""
    draft = open_draft(releases, number, retry)
    check_commit(draft, commit)
    retry.call(partial(releases.remove, draft), f"removing the draft of {draft.tag}")


def _own_files(index: bytes, packages: Mapping[str, Artifact]) -> dict[str, bytes]:
    """Return the content of the assets that are no packages: the index, then the digests of all other assets."""
    listed = (*packages.values(), _artifact(INDEX, index))
    return {INDEX: index, CHECKSUMS: checksums_text(listed).encode()}


def _artifact(name: str, content: bytes) -> Artifact:
    return Artifact(file=name, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def _digested_assets(
    releases: Releases, release: Release, files: Mapping[str, Artifact], known: Iterable[Asset], retry: Retry
) -> tuple[Asset, ...]:
    """List the assets; a server without digests sends each expected file once, unless `known` has its asset."""
    digests = {asset.id: asset.digest for asset in known}
    assets = []
    for each in list_assets(releases, release, retry):
        asset = each if each.digest else each.model_copy(update={"digest": digests.get(each.id)})
        if file := files.get(asset.name):
            asset = retry.call(partial(with_digest, releases, file, asset), f"downloading {asset.name}")
        assets.append(asset)
    return tuple(assets)


def expected_assets(names: Mapping[str, str], report: Report) -> tuple[dict[str, Artifact], tuple[str, ...]]:
    """Return the expected packages that were built, and a sentence for each one that was not."""
    packages, crates = built_packages(report), {each.name: each for each in report.crates}
    files, problems = dict[str, Artifact](), list[str]()
    for name, crate in names.items():
        each = crates.get(crate)
        if name in packages:
            files[name] = packages[name]
        elif each and each.packages:
            problems.append(f"{name} is expected, but {crate} was built as {', '.join(p.file for p in each.packages)}")
        elif each:
            reason = f": {each.failure.message}" if each.failure else ""
            reason += f"; {words}" if each.failure and (words := quarantine_words(each)) else ""
            problems.append(f"{name} is expected, but {crate} is {each.state.replace('_', ' ')}{reason}")
        else:
            problems.append(f"{name} is expected, but no report has {crate}")
    return files, tuple(problems)


def _raise_if_incomplete(release: Release, problems: tuple[str, ...]) -> None:
    if not problems:
        return
    state = "stays a draft" if release.draft else "is already published"
    raise Incomplete(
        f"release {release.id} of {release.tag} does not have the expected assets; it {state}",
        problems=problems,
        fix="build and upload missing packages, delete unexpected assets, and publish again"
        if release.draft
        else "release under a new tag",
    )


def _publish_once(releases: Releases, release: Release, body: str, prerelease: bool, retry: Retry) -> Release:
    """Publish; after a lost response, read the release before the next attempt."""
    action = f"publishing {release.tag}"
    latest = not prerelease and becomes_latest(release.tag, retry.call(releases.latest_tag, action))
    for attempts in itertools.count(1):
        try:
            release = releases.publish(release, body, prerelease, latest)
        except GitHubError as error:
            retry.wait_or_raise(error, attempts, action)
            release = retry.call(partial(releases.get, release.id), action)
        if not release.draft:
            return release
    raise AssertionError  # pragma: no cover  the count never ends
