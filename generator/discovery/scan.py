"""The scan of a repository: all Cargo.toml and package.json files, each read once."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from generator.cargo.directories import ancestors, parent
from generator.cargo.manifests import CargoToml, Inherited, Package, parse_cargo_toml
from generator.cargo.workspaces import workspace_members, workspace_root, workspace_table
from generator.discovery.addons import crates_named_by_scripts
from generator.discovery.files import list_files, npm_files, read_text
from generator.discovery.kinds import SUPPORT_DIRECTORIES, Candidate, depends_on
from generator.discovery.package_json import PackageJson, package_json
from generator.errors import InputError
from generator.manifest.models import MAX_CRATES
from generator.npm.files import RepositoryFiles
from generator.text import visible

TARGET_FILE: Final = re.compile(r"(?:(.*)/)?(src/(?:lib|main|bin/[^/]+|bin/[^/]+/main)\.rs)")
MAX_SENTENCE: Final = 300

Parsed = TypeVar("Parsed")


@dataclass(frozen=True)
class SkippedFile:
    """A file that gives no crate: its path relative to the root, and the reason; both are printable."""

    path: str
    reason: str


@dataclass(frozen=True)
class RepositoryScan:
    """The parsed files by directory; `members` are by the directory of the workspace's root.

    `npm_files` are those that say how npm packages are installed.
    """

    npm_files: RepositoryFiles
    manifests: Mapping[str, CargoToml]
    packages: Mapping[str, PackageJson]
    targets: Mapping[str, frozenset[str]]
    members: Mapping[str, frozenset[str]]
    broken: tuple[SkippedFile, ...]

    def candidates(self) -> list[Candidate]:
        """Return every Cargo.toml with a [package], by directory."""
        named = crates_named_by_scripts(self.packages, self.manifests)
        near = self._packages_near({*named.values()})
        return [
            self._candidate(directory, manifest.package, named.get(directory) or near.get(directory))
            for directory, manifest in self.manifests.items()
            if manifest.package is not None
        ]

    def addon_packages(self) -> list[str]:
        """Return the directories whose package.json has a `napi` key and that hold no crate that depends on napi."""
        return [
            each for each, package in self.packages.items() if package.napi is not None and not self._holds_addon(each)
        ]

    def _holds_addon(self, directory: str) -> bool:
        manifest = self.manifests.get(directory)
        if manifest is None or manifest.package is None:
            return False
        return depends_on(self._candidate(directory, manifest.package, None), "napi", self.manifests)

    def _packages_near(self, named: Collection[str]) -> dict[str, str]:
        """Return a directory with an addon's package.json but without its crate, for a crate above or below it.

        `named` are the directories whose scripts say where their crate is.
        """
        addons = [each for each in self.addon_packages() if each not in named]
        below = {parent(each): each for each in reversed(addons)}
        above = {each: place for each in self.manifests for place in reversed([*ancestors(each)]) if place in addons}
        return below | above

    def _candidate(self, directory: str, package: Package, elsewhere: str | None) -> Candidate:
        """Return a crate; `elsewhere` has an addon's package.json for it, if none is beside it."""
        beside = self.packages.get(directory)
        is_elsewhere = elsewhere is not None and (beside is None or beside.napi is None)
        place = elsewhere if elsewhere is not None and is_elsewhere else directory
        root = workspace_root(directory, self.manifests)
        return Candidate(
            directory=directory,
            manifest=self.manifests[directory],
            package=package,
            edition=self._edition(package, root),
            root=root,
            files=self.targets.get(directory, frozenset()),
            package_json=self.packages.get(place),
            package_directory=place,
        )

    def _edition(self, package: Package, root: str | None) -> str:
        own, shared = package.edition, workspace_table(root, self.manifests)
        return ((shared.package.edition if shared else None) if isinstance(own, Inherited) else own) or "2015"


def scan_repository(root: Path) -> RepositoryScan:
    """Read every Cargo.toml and package.json below a directory; raise InputError when there are too many."""
    files = list_files(root)
    manifests, broken = _parse_all(root, files, "Cargo.toml", parse_cargo_toml)
    products = [path for path in files if SUPPORT_DIRECTORIES.isdisjoint(path.split("/"))]
    packages, broken_packages = _parse_all(root, products, "package.json", package_json)
    targets: dict[str, set[str]] = defaultdict(set)
    for path in files:
        if match := TARGET_FILE.fullmatch(path):
            targets[match[1] or "."].add(match[2])
    return RepositoryScan(
        npm_files=npm_files(root, files),
        manifests=manifests,
        packages=packages,
        targets={directory: frozenset(paths) for directory, paths in targets.items()},
        members={
            each: workspace_members(each, manifests) for each in manifests if manifests[each].workspace is not None
        },
        broken=(*broken, *broken_packages),
    )


def printable(text: str) -> str:
    """Return a text of the repository on one line, without control characters and with bounded length."""
    return visible(text[:MAX_SENTENCE]) + ("…" if len(text) > MAX_SENTENCE else "")


def skipped_file(path: str, reason: str) -> SkippedFile:
    """Return a skipped file with printable path and reason."""
    return SkippedFile(printable(path), printable(reason))


def _parse_all(
    root: Path, files: list[str] | tuple[str, ...], name: str, parse: Callable[[str], Parsed]
) -> tuple[dict[str, Parsed], list[SkippedFile]]:
    paths = [path for path in files if posixpath.basename(path) == name]
    if len(paths) > MAX_CRATES:
        raise InputError(f"{root} holds more than {MAX_CRATES:,} {name} files", fix="start in a directory below it")
    parsed: dict[str, Parsed] = {}
    broken: list[SkippedFile] = []
    for path in paths:
        try:
            parsed[parent(path)] = parse(read_text(root, path))
        except InputError as error:
            broken.append(skipped_file(path, error.message))
    return parsed, broken
