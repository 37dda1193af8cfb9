"""The upload of a file to a draft: safe to repeat, and to run in many shards at the same time."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from generator.errors import CratematrixError, InputError
from generator.files.digest import sha256_of_open
from generator.files.directory import Directory
from generator.files.output import open_output
from generator.github_api.errors import GitHubError
from generator.github_api.retry import MAX_ATTEMPTS, RateLimit, Retry
from generator.manifest.names import github_asset_name
from generator.releases.downloads import with_digest
from generator.releases.expected_assets import Decision, asset_difference, built_packages, upload_decision
from generator.releases.protocol import Asset, Release, Releases
from generator.reports.models import Artifact, Report

# "Under 2 GiB": https://docs.github.com/en/repositories/releasing-projects-on-github/about-releases
MAX_ASSET_BYTES: Final = 2**31 - 1
# A draft that a person made may be for a branch.
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Package:
    """A package file, and its entry in a report."""

    path: Path
    file: Artifact


def packages_of(reports: Iterable[tuple[Path, Report]], directory: Path) -> tuple[Package, ...]:
    """Return the packages of reports below a directory; each package lies beside its report.

    InputError lists every file that is missing or differs from its report.
    """
    reported = [
        Package(place / file.file, file) for place, report in reports for file in built_packages(report).values()
    ]
    found = sorted(reported, key=lambda package: package.file.file)
    with open_output(directory) as results:
        problems = tuple(problem for package in found if (problem := _problem(package, results, directory)))
    if problems:
        raise InputError(
            "packages differ from their reports",
            problems=problems,
            fix="build the crates again, into a new directory",
        )
    return tuple(found)


def _problem(package: Package, results: Directory, directory: Path) -> str | None:
    name = package.file.file
    # A name that GitHub keeps has no slash, so the path stays in the directory.
    if not name or github_asset_name(name) != name:
        return f"{name!r} is a name that GitHub would change"
    if not 0 < package.file.bytes <= MAX_ASSET_BYTES:
        return f"{name} has {package.file.bytes} bytes, but GitHub allows 1 to {MAX_ASSET_BYTES:,}"
    try:
        with results.open(package.path.relative_to(directory).as_posix()) as file:
            size = os.fstat(file.fileno()).st_size
            if size != package.file.bytes:
                return f"{package.path} has {size} bytes, but {package.file.bytes} in its report"
            if sha256_of_open(file) != package.file.sha256:
                return f"{package.path} has a different SHA-256 in its report"
    except FileNotFoundError:
        return f"{package.path} is missing"
    except OSError as error:
        return f"{package.path} cannot be read: {error.strerror}"
    except InputError as error:
        return error.message
    return None


def open_draft(releases: Releases, number: int, retry: Retry) -> Release:
    """Return the draft with this id; InputError if it is already published."""
    release = retry.call(lambda: releases.get(number), f"getting release {number}")
    if release.final_state:
        raise InputError(
            f"release {number} of {release.tag} is already {release.final_state}, and only a draft accepts packages",
            fix="prepare a draft for another tag: cratematrix release prepare --tag TAG",
        )
    return release


def check_commit(release: Release, commit: str | None) -> None:
    """InputError if packages of this commit are not for the release; a commit that is unknown passes."""
    if commit is None or not _COMMIT.fullmatch(release.commit) or commit == release.commit:
        return
    raise InputError(
        f"the packages are of commit {commit}, but release {release.id} of {release.tag} is for {release.commit}",
        fix=f"git checkout {release.commit}, then build again",
    )


def list_assets(releases: Releases, release: Release, retry: Retry) -> tuple[Asset, ...]:
    """Return the assets of a release."""
    return retry.call(lambda: releases.assets(release.id), f"listing the assets of {release.tag}")


def upload_package(
    releases: Releases,
    release: Release,
    package: Package,
    assets: Iterable[Asset],
    rate_limit: RateLimit,
    retry: Retry,
) -> tuple[Decision, Asset]:
    """Upload one file to the draft; return the first decision for it, and its asset.

    After a failed attempt GitHub may have the whole file, a part of it or nothing. So the assets are listed again
    before the next attempt.
    """
    name = package.file.file
    first: Decision | None = None
    for attempts in itertools.count(1):
        old = next((asset for asset in assets if asset.name == name), None)
        if old:
            old = retry.call(partial(with_digest, releases, package.file, old), f"downloading {name}")
        now = upload_decision(package.file, old)
        first = first or now
        if old and now == "skip":
            return first, old
        rate_limit.wait()
        try:
            if old:
                releases.delete(old)
            new = releases.upload(release, package.path, name)
            _check_uploaded(releases, package.file, new)
            return first, new
        except GitHubError as error:
            if "already_exists" not in error.codes or attempts >= MAX_ATTEMPTS:
                retry.wait_or_raise(error, attempts, f"uploading {name}")
        assets = list_assets(releases, release, retry)
    raise AssertionError  # pragma: no cover  the count never ends


def _check_uploaded(releases: Releases, file: Artifact, asset: Asset) -> None:
    """Compare the new asset with the file that was sent."""
    if asset.name != file.file:
        releases.delete(asset)
        raise CratematrixError(f"GitHub renamed the asset {file.file} to {asset.name}")
    if problem := asset_difference(file, with_digest(releases, file, asset)):
        raise GitHubError(problem)
