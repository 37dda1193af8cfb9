"""Publishing: everything that was promised is there, nothing else is, and only then does the world see it."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from generator.errors import Incomplete
from generator.files.output import output_directory
from generator.github_api.errors import GitHubError
from generator.github_api.retry import RateLimit, Retry
from generator.manifest.models import Manifest
from generator.releases.expected_assets import SUMS, built_packages, differences, expected_packages, is_prerelease, sums
from generator.releases.protocol import Release, Releases
from generator.releases.uploading import Package, listed, put
from generator.reports.models import Artifact, Report


def publish(
    releases: Releases, number: int, manifest: Manifest, report: Report, out: Path, keep_draft: bool, patience: Retry
) -> Release:
    """Complete and publish a draft, or raise Incomplete with everything that is wrong; done twice it is done once.

    SHA256SUMS is written into `out` and goes last onto the draft. `keep_draft` stops before the draft is published.
    """
    files, problems = expected_assets(expected_packages(manifest, report), report)
    release = patience.call(partial(releases.get, number), f"looking at release {number}")
    there = listed(releases, release, patience)
    _refuse(release, (*problems, *differences(files, there, ignored=SUMS)))
    package = _write_sums(out, files)
    if release.draft:
        put(releases, release, package, there, RateLimit(0, patience.sleep), patience)
        there = listed(releases, release, patience)
    _refuse(release, tuple(differences({**files, SUMS: package.file}, there)))
    if keep_draft or not release.draft:
        return release
    return _published(releases, release, patience)


def expected_assets(names: Mapping[str, str], report: Report) -> tuple[dict[str, Artifact], tuple[str, ...]]:
    """Return the promised packages that were built, and a sentence for each that was not."""
    packages, told = built_packages(report), {each.name: each for each in report.crates}
    files, problems = dict[str, Artifact](), list[str]()
    for name, crate in names.items():
        each = told.get(crate)
        if name in packages:
            files[name] = packages[name]
        elif each and each.packages:
            problems.append(f"{name} is promised and {crate} was built as {', '.join(p.file for p in each.packages)}")
        elif each:
            why = f": {each.failure.message}" if each.failure else ""
            problems.append(f"{name} is promised and {crate} is {each.state.replace('_', ' ')}{why}")
        else:
            problems.append(f"{name} is promised and no report tells of {crate}")
    return files, tuple(problems)


def _refuse(release: Release, problems: tuple[str, ...]) -> None:
    if not problems:
        return
    state = "a draft and stays one" if release.draft else "published already"
    raise Incomplete(
        f"release {release.id} of {release.tag} is not what the manifest promises; it is {state}",
        problems=problems,
        fix="build and upload what is missing, delete what is too much, and publish again"
        if release.draft
        else "release under a new tag",
    )


def _write_sums(out: Path, files: Mapping[str, Artifact]) -> Package:
    text = sums(files.values()).encode()
    with output_directory(out) as results:
        results.write(SUMS, text)
    return Package(out / SUMS, Artifact(file=SUMS, bytes=len(text), sha256=hashlib.sha256(text).hexdigest()))


def _published(releases: Releases, release: Release, patience: Retry) -> Release:
    """Publish; whether a try whose reply was lost did it is asked before the next."""
    doing = f"publishing {release.tag}"
    for tries in itertools.count(1):
        try:
            release = releases.publish(release, is_prerelease(release.tag))
        except GitHubError as error:
            patience.wait_or_raise(error, tries, doing)
            release = patience.call(partial(releases.get, release.id), doing)
        if not release.draft:
            return release
    raise AssertionError  # pragma: no cover  the count never ends
