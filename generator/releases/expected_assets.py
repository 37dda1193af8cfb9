"""What a release promises, and how what is there differs from it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal

from generator.manifest.models import Manifest
from generator.manifest.names import tarball_names
from generator.manifest.settings import settings
from generator.releases.protocol import Asset
from generator.reports.models import Artifact, Report

SUMS: Final = "SHA256SUMS"
"""Name of the asset that has the others' digests, as `sha256sum --check` reads them."""

Decision = Literal["upload", "skip", "replace"]

# A version's prerelease part begins with the hyphen behind its numbers; what follows a + is build metadata.
# The second kind is what a scheduled release workflow makes.
_PRERELEASE: Final = re.compile(r"\d+\.\d+(\.\d+)*-[0-9A-Za-z]|^nightly-")


def expected_packages(manifest: Manifest, report: Report | None = None) -> dict[str, str]:
    """Return the name of every package that a release of this manifest has, and its crate; libraries have none.

    A platform that `report` says was skipped has no package of its own; a root package there is in any case.
    """
    crates = report.crates if report else ()
    skipped = {(each.name, unit.platform) for each in crates for unit in each.units if unit.state == "skipped"}
    names: dict[str, str] = {}
    for crate in manifest.crates:
        own = settings(manifest.fleet, crate)
        tarballs = tarball_names(crate, own.npm_name, own.platforms, own.layout)
        names |= {name: crate.name for name, each in tarballs.items() if not each or (crate.name, each) not in skipped}
    return dict(sorted(names.items()))


def built_packages(report: Report) -> dict[str, Artifact]:
    """Return every package of the crates that were built, by its name."""
    return {file.file: file for each in report.crates if each.state == "built" for file in each.packages}


def is_prerelease(tag: str) -> bool:
    """Whether the version in a tag is one, as in v1.0.0-rc.1, or the tag one of a scheduled release."""
    return _PRERELEASE.search(tag.partition("+")[0]) is not None


def decision(file: Artifact, asset: Asset | None) -> Decision:
    """Say what an upload of a file has to do, given the asset that has its name."""
    if asset is None:
        return "upload"
    return "replace" if difference(file, asset) else "skip"


def difference(file: Artifact, asset: Asset) -> str | None:
    """Say how an asset differs from the file that it should be, or None."""
    if asset.state != "uploaded":
        return f"{file.file} was not uploaded whole: its state is {asset.state}"
    if asset.size != file.bytes:
        return f"{file.file} has {asset.size} bytes on the release and {file.bytes} here"
    if asset.digest is None:
        return f"{file.file} has no digest on the release, so nobody can say what it is"
    if asset.digest != f"sha256:{file.sha256}":
        return f"{file.file} has another SHA-256 on the release than here"
    return None


def differences(files: Mapping[str, Artifact], assets: Iterable[Asset], ignored: str | None = None) -> Iterator[str]:
    """Yield a sentence for everything that is missing, different, there twice or not promised."""
    there = [asset for asset in assets if asset.name != ignored]
    for name in sorted(files.keys() - {asset.name for asset in there}):
        yield f"{name} is missing on the release"
    for asset in sorted(there, key=lambda each: each.name):
        if asset.name not in files:
            yield f"{asset.name} is on the release and nothing promises it"
        elif found := difference(files[asset.name], asset):
            yield found
    for name, count in Counter(asset.name for asset in there).items():
        if count > 1:
            yield f"{name} is on the release {count} times"


def sums(files: Iterable[Artifact]) -> str:
    """Return the text of SHA256SUMS."""
    return "".join(f"{file.sha256}  {file.file}\n" for file in sorted(files, key=lambda each: each.file))


def read_sums(text: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the digests in a SHA256SUMS by name, and a sentence for every line that is none."""
    digests: dict[str, str] = {}
    problems: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not (found := re.fullmatch(r"([0-9a-f]{64}) [ *](\S+)", line)):
            problems.append(f"{SUMS}:{number}: not a digest and a name")
        elif found[2] in digests:
            problems.append(f"{SUMS}:{number}: {found[2]} is there twice")
        else:
            digests[found[2]] = found[1]
    return digests, tuple(problems)
