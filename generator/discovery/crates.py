"""The crates of a repository: those for the fleet, and those that are skipped with a reason."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

from generator.cargo.manifests import Inherited, manifest_path
from generator.cargo.workspaces import package_version, path_dependencies, workspace_table
from generator.discovery.kinds import Candidate, Verdict, depends_on, kind_of
from generator.discovery.napi_targets import NapiTargets, napi_targets, target_notes
from generator.discovery.scan import RepositoryScan, SkippedFile, printable, scan_repository, skipped_file
from generator.discovery.scopes import is_npm_name, is_valid, npm_scope
from generator.errors import InputError
from generator.manifest.values import CrateName, RelativePath, Version
from generator.npm.files import join
from generator.npm.projects import npm_project
from generator.platforms import Kind, PlatformName

UNPUBLISHED: Final = "`publish = false` in Cargo.toml: cratematrix init --unpublished takes it"


@dataclass(frozen=True)
class FoundCrate:
    """A crate for the fleet.

    `path` is its directory relative to the root. `depends_on` names other found crates, sorted. `npm_name` is the name
    in an addon's package.json, and `package` the directory of that file if it is another. `reason` is a sentence that
    explains the kind. `features` are those that its build has to enable, besides the default ones. `platforms` are
    those of `napi.targets`, None without that key.
    """

    name: str
    version: str
    kind: Kind
    path: str
    depends_on: tuple[str, ...]
    npm_name: str | None
    reason: str
    package: str | None = None
    features: tuple[str, ...] = ()
    platforms: tuple[PlatformName, ...] | None = None


@dataclass(frozen=True)
class Discovery:
    """The result for a repository: crates by name, skipped files by path, and notes for the user.

    `managers` say by what the npm packages of addons are installed.
    """

    crates: tuple[FoundCrate, ...]
    skipped: tuple[SkippedFile, ...]
    npm_scope: str
    notes: tuple[str, ...]
    managers: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Selected:
    """A crate that is valid by itself; other crates may still exclude it."""

    crate: Candidate
    kind: Kind
    version: str
    verdict: Verdict
    targets: NapiTargets


def discover(root: Path, *, unpublished: bool = False) -> Discovery:
    """Find the crates below a directory; with `unpublished`, also those with `publish = false` in Cargo.toml.

    An addon is taken in any case: its package.json says that npm gets it.
    Raise InputError when it is not a directory or holds more than 10,000 Cargo.toml files. An empty result is not an
    error, so that the skipped files can be shown.
    """
    if not root.is_dir():
        raise InputError(f"{root} is not a directory")
    scan = scan_repository(root)
    candidates = scan.candidates()
    skipped = [*scan.broken, *_addons_without_crate(scan, candidates)]
    selected: dict[str, _Selected] = {}
    for crate in candidates:
        result = _select(crate, scan, unpublished)
        if isinstance(result, SkippedFile):
            skipped.append(result)
        else:
            selected[crate.directory] = result
    skipped += _drop(selected, _duplicates(selected.values()))
    dependencies = _dependencies(selected, candidates, scan)
    skipped += _drop(selected, _in_cycles(dependencies))
    found = tuple(
        sorted((_found_crate(each, dependencies, selected) for each in selected.values()), key=lambda each: each.name)
    )
    scope, note = npm_scope(root, (each.name for each in scan.packages.values() if each.name is not None))
    return Discovery(
        crates=found,
        skipped=tuple(sorted(skipped, key=lambda each: each.path)),
        npm_scope=scope,
        notes=(
            *([note] if note else []),
            *_package_json_notes(found, scan),
            *target_notes((each.crate.package_directory, each.targets) for each in selected.values()),
        ),
        managers=_managers(found, scan),
    )


def _select(crate: Candidate, scan: RepositoryScan, unpublished: bool) -> _Selected | SkippedFile:
    """Return a crate with its kind and version, or the reason to skip it; other crates are not considered."""
    verdict = kind_of(crate, scan.manifests)
    version = _version(crate, verdict.kind, scan)
    rejection = _rejection(crate, version, scan)
    if verdict.kind is None:
        return skipped_file(manifest_path(crate.directory), verdict.reason)
    if version is None or rejection is not None:
        return skipped_file(manifest_path(crate.directory), rejection or "")
    if verdict.kind != "napi" and not unpublished and not _is_published(crate, scan):
        return skipped_file(manifest_path(crate.directory), UNPUBLISHED)
    targets = napi_targets(crate.package_json if verdict.kind == "napi" else None)
    return _Selected(crate, verdict.kind, version, verdict, targets)


def _found_crate(
    each: _Selected, dependencies: Mapping[str, list[str]], selected: Mapping[str, _Selected]
) -> FoundCrate:
    crate = each.crate
    return FoundCrate(
        name=crate.package.name,
        version=each.version,
        kind=each.kind,
        path=crate.directory,
        depends_on=tuple(
            sorted(selected[to].crate.package.name for to in dependencies[crate.directory] if to in selected)
        ),
        npm_name=_npm_name(each),
        reason=printable(each.verdict.reason),
        package=crate.package_directory if each.kind == "napi" and crate.package_directory != crate.directory else None,
        features=each.verdict.features,
        platforms=each.targets.platforms,
    )


def _rejection(crate: Candidate, version: str | None, scan: RepositoryScan) -> str | None:
    """Return the reason why cargo or crates.json rejects a crate, or None."""
    if crate.root is None and crate.package.workspace is not None:
        return "it names a workspace outside of this directory (package.workspace)"
    if crate.root is not None and crate.root not in scan.members:
        return f"it belongs to the workspace {crate.root}, which has no Cargo.toml with [workspace] that can be read"
    if crate.root is not None and crate.directory not in scan.members[crate.root]:
        return (
            f"it lies below the workspace {manifest_path(crate.root)} but is not a member, "
            "and cargo refuses to build it: add it to members or exclude"
        )
    if not is_valid(CrateName, crate.package.name):
        return (
            f"crates.json cannot hold its name {crate.package.name[:80]!r}: "
            "at most 64 letters, digits, - and _, with a letter or _ first"
        )
    if version is None:
        return "its version is inherited (version.workspace = true), but no [workspace.package] above it has one"
    if not is_valid(Version, version):
        return f"crates.json cannot hold its version {version[:80]!r}: write MAJOR.MINOR.PATCH"
    if not (is_valid(RelativePath, crate.directory) and is_valid(RelativePath, crate.package_directory)):
        return (
            "crates.json cannot hold its path: use only letters, digits, spaces and . _ - @ + in names of directories"
        )
    return None


def _version(crate: Candidate, kind: Kind | None, scan: RepositoryScan) -> str | None:
    """Return the version of the package: that of package.json for an addon that has one, or else that of Cargo.

    napi's own projects keep 0.0.0 in Cargo.toml, which is also Cargo's default. Return None when the version is
    inherited but missing: cargo refuses such a crate.
    """
    cargo_version = package_version(crate.package, crate.root, scan.manifests)
    own = crate.package_json.version if kind == "napi" and crate.package_json is not None else None
    version = cargo_version if cargo_version is None or own is None else own
    # npm knows no build metadata.
    return None if version is None else version.partition("+")[0]


def _npm_name(each: _Selected) -> str | None:
    """Return the name in an addon's package.json. Beside other crates, package.json belongs to something else."""
    package = each.crate.package_json if each.kind == "napi" else None
    return package.name if package is not None and package.name is not None and is_npm_name(package.name) else None


def _addons_without_crate(scan: RepositoryScan, candidates: list[Candidate]) -> list[SkippedFile]:
    explained = {crate.package_directory for crate in candidates if depends_on(crate, "napi", scan.manifests)}
    reason = "it has a `napi` key, but no crate that depends on napi lies beside, above or below it, or in its scripts"
    return [
        skipped_file(posixpath.normpath(f"{each}/package.json"), reason)
        for each in scan.addon_packages()
        if each not in explained
    ]


def _duplicates(selected: Iterable[_Selected]) -> dict[str, str]:
    """Return the crates whose name or npm name another crate uses; the crate nearest to the top keeps it."""
    owners: dict[str, str] = {}
    duplicates: dict[str, str] = {}
    for each in sorted(selected, key=lambda each: (each.crate.directory.count("/"), each.crate.directory)):
        directory = each.crate.directory
        names = [name for name in (each.crate.package.name.lower(), _npm_name(each)) if name is not None]
        taken = next((name for name in names if name in owners), None)
        if taken is not None:
            duplicates[directory] = f"its name {taken} is already used by {manifest_path(owners[taken])}"
        else:
            owners |= dict.fromkeys(names, directory)
    return duplicates


def _dependencies(
    selected: Mapping[str, _Selected], candidates: list[Candidate], scan: RepositoryScan
) -> dict[str, list[str]]:
    """Return for each selected directory the selected ones that it depends on by path, also through skipped crates.

    Development dependencies do not count: Cargo allows cycles of them.
    """
    roots = {crate.directory: crate.root for crate in candidates}
    dependencies: dict[str, list[str]] = {}
    for directory in selected:
        reached: set[str] = set()
        pending = [directory]
        while pending:
            at = pending.pop()
            targets = set(path_dependencies(at, roots[at], scan.manifests)) & roots.keys() - reached
            reached |= targets
            pending += targets - selected.keys()
        dependencies[directory] = sorted(reached & selected.keys())
    return dependencies


def _in_cycles(dependencies: Mapping[str, list[str]]) -> dict[str, str]:
    """Return the crates in dependency cycles, which cargo refuses to build."""
    in_cycles: dict[str, str] = {}
    while True:
        rest = {
            each: [to for to in targets if to not in in_cycles]
            for each, targets in dependencies.items()
            if each not in in_cycles
        }
        try:
            TopologicalSorter(rest).prepare()
        except CycleError as error:
            cycle = [str(each) for each in error.args[1]]
            in_cycles |= dict.fromkeys(cycle, f"it depends on itself: {' → '.join(reversed(cycle))}")
        else:
            return in_cycles


def _drop(selected: dict[str, _Selected], rejected: Mapping[str, str]) -> list[SkippedFile]:
    for directory in rejected:
        del selected[directory]
    return [skipped_file(manifest_path(directory), reason) for directory, reason in rejected.items()]


def _package_json_notes(found: tuple[FoundCrate, ...], scan: RepositoryScan) -> list[str]:
    """Return notes on addons whose package.json differs from crates.json: the build requires them to be equal."""
    notes = []
    for crate in (each for each in found if each.kind == "napi"):
        package = scan.packages[crate.package or crate.path]
        where = posixpath.normpath(f"{crate.package or crate.path}/package.json")
        if package.version is None:
            notes.append(f"{where} has no version: set it to {crate.version}, as in crates.json, or the build fails")
        if crate.npm_name is None:
            problem = f"has the name {package.name}" if package.name is not None else "has no name"
            notes.append(printable(f"{where} {problem}: set it to the npm name in crates.json, or the build fails"))
    return notes


def _managers(found: tuple[FoundCrate, ...], scan: RepositoryScan) -> tuple[str, ...]:
    addons: dict[str, list[str]] = defaultdict(list)
    for crate in (each for each in found if each.kind == "napi"):
        addons[_manager(crate.package or crate.path, scan)].append(crate.name)
    return tuple(printable(f"{manager}: {', '.join(names)}") for manager, names in addons.items())


def _manager(package: str, scan: RepositoryScan) -> str:
    """Return what installs the npm packages of the package.json in a directory, or why nothing does."""
    try:
        project = npm_project(package, scan.npm_files)
    except InputError as error:
        return f"no npm packages can be installed, because {error.message}"
    lock = f"with {join(project.directory, project.lock)}" if project.lock else "without a lock file"
    return f"npm packages by {project.program_name}, {lock}"


def _is_published(crate: Candidate, scan: RepositoryScan) -> bool:
    own, shared = crate.package.publish, workspace_table(crate.root, scan.manifests)
    return bool((shared is None or shared.package.publish) if isinstance(own, Inherited) else own)
