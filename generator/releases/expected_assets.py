"""Expected assets of a release, and the differences between them and GitHub's list of assets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, Literal

from generator.manifest.models import Manifest
from generator.manifest.names import tarball_names
from generator.manifest.settings import settings
from generator.releases.protocol import Asset

if TYPE_CHECKING:  # a plan has no report, and starts faster without the models
    from generator.reports.models import Artifact, Report

CHECKSUMS: Final = "SHA256SUMS"
"""Name of the asset with the digests of all others, in the format of `sha256sum --check`."""

Decision = Literal["upload", "skip", "replace"]


def expected_packages(manifest: Manifest, report: Report | None = None) -> dict[str, str]:
    """Return the file name of every package in a release of this manifest, with its crate; libraries have none.

    A platform that `report` lists as skipped has no platform package. A crate that failed there in quarantine has no
    package at all. Otherwise root packages are always expected.
    """
    crates, skipped = report.crates if report else (), skipped_units(report)
    broken = {each.name for each in crates if each.failed_in_quarantine}
    names: dict[str, str] = {}
    for crate in manifest.crates:
        if crate.name in broken:
            continue
        own = settings(manifest.fleet, crate)
        tarballs = tarball_names(crate, own, own.platforms, own.layout)
        names |= {name: crate.name for name, each in tarballs.items() if not each or (crate.name, each) not in skipped}
    return dict(sorted(names.items()))


def skipped_units(report: Report | None) -> frozenset[tuple[str, str]]:
    """Return the crates and platforms that a report lists as skipped."""
    crates = report.crates if report else ()
    return frozenset((each.name, unit.platform) for each in crates for unit in each.units if unit.state == "skipped")


def built_packages(report: Report) -> dict[str, Artifact]:
    """Return the packages of all built crates by file name."""
    return {file.file: file for each in report.crates if each.state == "built" for file in each.packages}


def upload_decision(file: Artifact, asset: Asset | None) -> Decision:
    """Return the upload step for a file, given the asset of the same name."""
    if asset is None:
        return "upload"
    return "replace" if asset_difference(file, asset) else "skip"


def asset_difference(file: Artifact, asset: Asset) -> str | None:
    """Return a sentence on the first difference between an asset and its file, or None."""
    if asset.state != "uploaded":
        return f"{file.file} is not fully uploaded: its state is {asset.state}"
    if asset.size != file.bytes:
        return f"{file.file} has {asset.size} bytes on the release, but {file.bytes} locally"
    if asset.digest is None:
        return f"{file.file} has no digest on the release, so its content cannot be checked"
    if asset.digest != f"sha256:{file.sha256}":
        return f"{file.file} has a different SHA-256 on the release"
    return None


def release_differences(
    files: Mapping[str, Artifact], assets: Iterable[Asset], ignored: Collection[str] = ()
) -> Iterator[str]:
    """Yield a sentence for each missing, different, duplicate or unexpected asset."""
    found = [asset for asset in assets if asset.name not in ignored]
    for name in sorted(files.keys() - {asset.name for asset in found}):
        yield f"{name} is missing on the release"
    for asset in sorted(found, key=lambda each: each.name):
        if asset.name not in files:
            yield f"{asset.name} is on the release, but not expected"
        elif problem := asset_difference(files[asset.name], asset):
            yield problem
    for name, count in Counter(asset.name for asset in found).items():
        if count > 1:
            yield f"{name} is on the release {count} times"


def checksums_text(files: Iterable[Artifact]) -> str:
    """Return the text of SHA256SUMS for these files."""
    return "".join(f"{file.sha256}  {file.file}\n" for file in sorted(files, key=lambda each: each.file))


def parse_checksums(text: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the digests in a SHA256SUMS by file name, and a sentence for each invalid line."""
    digests: dict[str, str] = {}
    problems: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not (found := re.fullmatch(r"([0-9a-f]{64}) [ *](\S+)", line)):
            problems.append(f"{CHECKSUMS}:{number}: not a digest and a file name")
        elif found[2] in digests:
            problems.append(f"{CHECKSUMS}:{number}: {found[2]} is listed twice")
        else:
            digests[found[2]] = found[1]
    return digests, tuple(problems)
