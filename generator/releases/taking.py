"""Packages of unchanged crates, taken from the published release that has them, and only with the reported digest."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from generator.errors import InputError
from generator.files.directory import Directory
from generator.files.output import open_output
from generator.github_api.retry import Retry
from generator.releases.downloads import download
from generator.releases.protocol import Asset, Releases
from generator.releases.tags import checked_tag
from generator.releases.uploading import Package
from generator.reports.models import Artifact, Report


def packages_to_take(reports: Iterable[tuple[Path, Report]]) -> dict[str, tuple[Package, ...]]:
    """Return the packages of unchanged crates by the tag of the release that has them; each belongs beside its report.

    InputError for a tag that cannot be one.
    """
    found: dict[str, tuple[Package, ...]] = {}
    for place, report in reports:
        for crate in report.crates:
            if crate.state == "built" and crate.unchanged_since is not None:
                packages = tuple(Package(place / file.file, file) for file in crate.packages)
                tag = checked_tag(crate.unchanged_since)
                found[tag] = (*found.get(tag, ()), *packages)
    return found


def take(releases: Releases, tag: str, packages: Iterable[Package], directory: Path, retry: Retry) -> None:
    """Download packages of a published release below a directory; InputError lists those that are not as reported."""
    assets = retry.call(partial(releases.published_assets, tag), f"looking for the published release {tag}")
    listed = {asset.name: asset for asset in assets}
    problems = []
    with open_output(directory) as results:
        for package in packages:
            name, file = package.path.relative_to(directory).as_posix(), package.file
            attempt = partial(take_package, releases, listed.get(file.file), file, results, name)
            try:
                retry.call(attempt, f"downloading {file.file}")
            except InputError as error:
                problems.append(error.message)
    if problems:
        raise InputError(
            f"packages of unchanged crates cannot be taken from the release {tag}",
            problems=tuple(problems),
            fix="build these crates again, without --previous",
        )


def take_package(releases: Releases, asset: Asset | None, file: Artifact, results: Directory, name: str) -> None:
    """Download one package; InputError, and no file, unless it has the reported size and digest."""
    if asset is None or (asset.state, asset.size) != ("uploaded", file.bytes):
        raise InputError(f"{file.file} is missing on the release, or has another size there")
    with results.replacing(name) as new:
        if download(releases, asset, new.write) != file:
            raise InputError(f"{file.file} has a different SHA-256 on the release")
