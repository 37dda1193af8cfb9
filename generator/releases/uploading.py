"""A shard's packages, brought onto the draft: safe to do again, and beside any number of other shards."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.errors import CratematrixError, InputError
from generator.files.digest import sha256_of_open
from generator.files.directory import Directory
from generator.files.output import open_output
from generator.github_api.errors import GitHubError
from generator.github_api.retry import TRIES, RateLimit, Retry, seconds_between
from generator.manifest.names import github_asset_name
from generator.releases.expected_assets import Decision, built_packages, decision, difference
from generator.releases.protocol import Asset, Release, Releases
from generator.reports.models import Artifact, Report

# "Under 2 GiB": https://docs.github.com/en/repositories/releasing-projects-on-github/about-releases
ASSET_BYTES: Final = 2**31 - 1
_DONE: Final[dict[Decision, str]] = {"upload": "uploaded", "skip": "already there:", "replace": "replaced"}


@dataclass(frozen=True)
class Package:
    """A file, and what its report says of it."""

    path: Path
    file: Artifact


def packages_of(reports: Iterable[tuple[Path, Report]], directory: Path) -> tuple[Package, ...]:
    """Return the packages that reports below a directory tell of, each beside its report.

    InputError with every file that is not there as it is told.
    """
    told = [Package(place / file.file, file) for place, report in reports for file in built_packages(report).values()]
    found = sorted(told, key=lambda package: package.file.file)
    with open_output(directory) as results:
        problems = tuple(problem for package in found if (problem := _problem(package, results, directory)))
    if problems:
        raise InputError(
            "packages are not what their report says",
            problems=problems,
            fix="build them again, into a directory of their own",
        )
    return tuple(found)


def _problem(package: Package, results: Directory, directory: Path) -> str | None:
    name = package.file.file
    # What GitHub keeps as it is has no slash, so it leads out of no directory.
    if not name or github_asset_name(name) != name:
        return f"{name!r} is no name that GitHub keeps as it is"
    if not 0 < package.file.bytes <= ASSET_BYTES:
        return f"{name} has {package.file.bytes} bytes, and GitHub takes 1 to {ASSET_BYTES:,}"
    try:
        with results.open(package.path.relative_to(directory).as_posix()) as file:
            size = os.fstat(file.fileno()).st_size
            if size != package.file.bytes:
                return f"{package.path} has {size} bytes, its report says {package.file.bytes}"
            if sha256_of_open(file) != package.file.sha256:
                return f"{package.path} has another SHA-256 than its report says"
    except FileNotFoundError:
        return f"{package.path} is not there"
    except OSError as error:
        return f"{package.path} cannot be read: {error.strerror}"
    except InputError as error:
        return error.message
    return None


def upload(
    releases: Releases, number: int, packages: Sequence[Package], shards: int, writes_a_minute: int, patience: Retry
) -> Counter[Decision]:
    """Bring the packages onto the draft and count what was done; the others of `shards` do the same meanwhile."""
    release = open_draft(releases, number, patience)
    there = listed(releases, release, patience)
    turns = RateLimit(seconds_between(shards, len(packages), writes_a_minute), patience.sleep)
    counts: Counter[Decision] = Counter()
    for count, package in enumerate(packages, 1):
        done = put(releases, release, package, there, turns, patience)
        counts[done] += 1
        patience.say(f"{_DONE[done]} {package.file.file}, {package.file.bytes:,} bytes ({count} of {len(packages)})")
    return counts


def open_draft(releases: Releases, number: int, patience: Retry) -> Release:
    """Return the draft with this number; InputError when it is published, for then nothing may change."""
    release = patience.call(lambda: releases.get(number), f"looking at release {number}")
    if release.closed:
        raise InputError(
            f"release {number} of {release.tag} is {release.closed} already, and only drafts take packages",
            fix="prepare a draft of another tag: cratematrix release prepare --tag TAG",
        )
    return release


def listed(releases: Releases, release: Release, patience: Retry) -> tuple[Asset, ...]:
    """Return the assets of a release."""
    return patience.call(lambda: releases.assets(release.id), f"listing the assets of {release.tag}")


def put(
    releases: Releases,
    release: Release,
    package: Package,
    there: Iterable[Asset],
    turns: RateLimit,
    patience: Retry,
) -> Decision:
    """Bring one file onto the draft, and return what had to be done for that.

    After a try that failed GitHub may have the file, half of it or nothing: what is there is looked at again, and
    decided again.
    """
    name = package.file.file
    first: Decision | None = None
    for tries in itertools.count(1):
        old = next((asset for asset in there if asset.name == name), None)
        now = decision(package.file, old)
        first = first or now
        if now == "skip":
            return first
        turns.wait()
        try:
            if old:
                releases.delete(old)
            _check_sent(releases, package.file, releases.upload(release, package.path, name))
            return first
        except GitHubError as error:
            if "already_exists" not in error.codes or tries >= TRIES:
                patience.wait_or_raise(error, tries, f"uploading {name}")
        there = listed(releases, release, patience)
    raise AssertionError  # pragma: no cover  the count never ends


def _check_sent(releases: Releases, file: Artifact, asset: Asset) -> None:
    """Compare what GitHub says it has with what was sent."""
    if asset.name != file.file:
        releases.delete(asset)
        raise CratematrixError(f"GitHub renamed {file.file} to {asset.name}: nobody would find it")
    if problem := difference(file, asset):
        raise GitHubError(problem)
