"""Crates that earlier runs built: their packages are copied from a directory, so they are not built again.

The directory has reports, each with its packages beside it: those of earlier attempts, or those that `keep` has copied.
A package that is missing, or is not as its report says, is never used, and its crate is built.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from generator.builds.unchanged import has_all_packages
from generator.errors import InputError
from generator.files.digest import sha256_below, sha256_of
from generator.files.directory import Directory
from generator.manifest.crate_models import Crate
from generator.manifest.names import sbom_name
from generator.manifest.settings import Settings
from generator.reports.memory import REPORT
from generator.reports.merging import read_below, report_names
from generator.reports.models import Artifact, CrateReport, Report


@dataclass(frozen=True)
class EarlierBuild:
    """The report of a crate that was built, and the directory of its packages."""

    directory: Path
    report: CrateReport


@cache
def code_digest() -> str:
    """Return the digest of this package, which no cache key has: its own CI builds crates to try a change of it."""
    top, digest = Path(__file__).resolve().parents[1], hashlib.sha256()
    for path in sorted(top.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(top).as_posix()} {sha256_of(path)}\n".encode())
    return digest.hexdigest()


def earlier_builds(directory: Path, note: Callable[[str], None]) -> dict[str, EarlierBuild]:
    """Return the crates that the reports below a directory have as built by this code, by name.

    Of several builds of a crate the last attempt's counts. A report that cannot be read is noted and left out. The
    packages of an unchanged crate are on the release before, and its index says so.
    """
    reports = list[tuple[Path, Report]]()
    with Directory.open_trusted(directory) as below:
        for name in report_names(below):
            try:
                reports.append(((directory / name).parent, read_below(below, name)))
            except InputError as error:
                note(f"nothing is reused from there: {error.message}")
    return {
        crate.name: EarlierBuild(place, crate)
        for place, report in sorted(reports, key=lambda each: each[1].run_attempt)
        if report.code == code_digest()
        for crate in report.crates
        if crate.state == "built" and crate.unchanged_since is None
    }


def earlier_report(
    crate: Crate, settings: Settings, key: str | None, earlier: EarlierBuild | None, out: Directory
) -> CrateReport | None:
    """Copy the packages of a crate that was built with the same cache key, and return its report.

    None if a package is missing or has another digest than reported. The SBOM is copied if it is there. The upload
    compares the copies once more.
    """
    if earlier is None or key is None:
        return None
    report = earlier.report
    if (report.cache_key, report.version) != (key, crate.version) or not has_all_packages(crate, settings, report):
        return None
    with Directory.open_trusted(earlier.directory) as packed:
        if not all(_is_as_reported(packed, file) for file in report.packages):
            return None
        sbom = report.sbom
        if sbom and (sbom.file != sbom_name(crate.name) or not _is_as_reported(packed, sbom)):
            sbom = None
    for file in (*report.packages, *([sbom] if sbom else [])):
        out.copy(earlier.directory / file.file, file.file)
    return report.model_copy(update={"attempts": 0, "seconds": 0.0, "sbom": sbom, "shard": None})


def keep(kept: Path, report: Report, out: Directory) -> int:
    """Copy the packages of built crates, wherever they are below `out`, and return the number of these crates.

    Each crate gets a folder with its packages, its SBOM and a report. A crate without a public cache key is not kept,
    and neither is one whose packages are not there as reported. The folders of other crates stay as they are.
    """
    found: dict[str, list[str]] = {}
    for name in out.walk_files():
        found.setdefault(PurePosixPath(name).name, []).append(name)
    with Directory.open_trusted(kept) as directory:
        return sum(_keep(directory, report, crate, out, found) for crate in report.crates)


def _keep(kept: Directory, report: Report, crate: CrateReport, out: Directory, found: dict[str, list[str]]) -> bool:
    if crate.state != "built" or crate.cache_key is None or crate.unchanged_since is not None:
        return False
    entry = f"{crate.name}/{REPORT}"
    kept.remove(entry)
    places = dict[str, str]()
    for file in (*crate.packages, *([crate.sbom] if crate.sbom else [])):
        named = found.get(PurePosixPath(file.file).name, ())
        place = next((name for name in named if _is_as_reported(out, file, name)), None)
        if place is None:
            return False
        places[f"{crate.name}/{file.file}"] = place
    folders = (crate.name, f"{crate.name}/sbom")
    for old in {f"{folder}/{name}" for folder in folders for name in kept.list_names(folder)} - {*places, folders[1]}:
        kept.remove(old)
    for name, place in places.items():
        kept.copy(out.path / place, name)
    own = report.model_copy(update={"crates": (crate,), "remembered": (), "shards": (), "shard": None})
    kept.write(entry, own.model_dump_json(indent=1).encode())
    return True


def _is_as_reported(directory: Directory, file: Artifact, name: str | None = None) -> bool:
    """Return True for a regular file with the digest of `file`; links are not followed."""
    return sha256_below(directory, name or file.file) == file.sha256
