"""The crates of a repository: which of them become a fleet, which are left out, and why."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from generator.cargo.manifests import Inherited, manifest_path
from generator.cargo.workspaces import path_dependencies, workspace_table
from generator.discovery.kinds import Candidate, depends_on, kind_of
from generator.discovery.scan import RepositoryScan, SkippedFile, printable, scan_repository, skipped_file
from generator.discovery.scopes import is_npm_name, is_valid, npm_scope
from generator.errors import InputError
from generator.manifest.values import CrateName, RelativePath, Version
from generator.platforms import Kind


@dataclass(frozen=True)
class FoundCrate:
    """A crate of the fleet to be.

    `path` is its directory from the root, `depends_on` names other found crates, sorted, `npm_name` is the scoped name
    that package.json beside it has, and `why` a sentence for its kind.
    """

    name: str
    version: str
    kind: Kind
    path: str
    depends_on: tuple[str, ...]
    npm_name: str | None
    reason: str


@dataclass(frozen=True)
class Discovery:
    """What a repository holds: crates by name, left-out files by path, and notes that a person should read."""

    crates: tuple[FoundCrate, ...]
    skipped: tuple[SkippedFile, ...]
    npm_scope: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Chosen:
    """A crate that nothing speaks against, but for what the others are."""

    crate: Candidate
    kind: Kind
    version: str
    why: str


def discover(root: Path) -> Discovery:
    """Find the crates below a directory; InputError when it is none or holds more than 10,000 Cargo.toml files.

    Not finding any is no error here, so that what was left out can still be shown.
    """
    if not root.is_dir():
        raise InputError(f"{root} is not a directory")
    seen = scan_repository(root)
    candidates = seen.candidates()
    left = [*seen.broken, *_addons_without_crate(seen, candidates)]
    chosen: dict[str, _Chosen] = {}
    for crate in candidates:
        judged = _judged(crate, seen)
        if isinstance(judged, SkippedFile):
            left.append(judged)
        else:
            chosen[crate.directory] = judged
    left += _drop(chosen, _repeated([each.crate for each in chosen.values()]))
    needs = _needs(chosen, candidates, seen)
    left += _drop(chosen, _circular(needs))
    found = tuple(sorted((_found(each, needs, chosen) for each in chosen.values()), key=lambda each: each.name))
    scope, note = npm_scope(root, (each.name for each in seen.packages.values() if each.name is not None))
    return Discovery(
        crates=found,
        skipped=tuple(sorted(left, key=lambda each: each.path)),
        npm_scope=scope,
        notes=(*([note] if note else []), *_differences(found, seen), *_unpublished(chosen.values(), seen)),
    )


def _judged(crate: Candidate, seen: RepositoryScan) -> _Chosen | SkippedFile:
    """What a crate becomes when it is looked at alone."""
    kind, why = kind_of(crate, seen.manifests)
    version = _version(crate, kind, seen)
    obstacle = _obstacle(crate, version, seen)
    if kind is None:
        return skipped_file(manifest_path(crate.directory), why)
    if version is None or obstacle is not None:
        return skipped_file(manifest_path(crate.directory), obstacle or "")
    return _Chosen(crate, kind, version, why)


def _found(each: _Chosen, needs: Mapping[str, list[str]], chosen: Mapping[str, _Chosen]) -> FoundCrate:
    crate = each.crate
    return FoundCrate(
        name=crate.package.name,
        version=each.version,
        kind=each.kind,
        path=crate.directory,
        depends_on=tuple(sorted(chosen[to].crate.package.name for to in needs[crate.directory] if to in chosen)),
        npm_name=_npm_name(crate),
        reason=printable(each.why),
    )


def _obstacle(crate: Candidate, version: str | None, seen: RepositoryScan) -> str | None:
    """Why cargo or crates.json cannot take a crate."""
    if crate.root is None and crate.package.workspace is not None:
        return "it names a workspace outside of this directory (package.workspace)"
    if crate.root is not None and crate.root not in seen.members:
        return f"it belongs to the workspace {crate.root}, which has no Cargo.toml with [workspace] that can be read"
    if crate.root is not None and crate.directory not in seen.members[crate.root]:
        return (
            f"it lies below the workspace {manifest_path(crate.root)} without being a member, "
            "and cargo refuses to build that: name it in members or in exclude"
        )
    if not is_valid(CrateName, crate.package.name):
        return (
            f"crates.json cannot hold its name {crate.package.name[:80]!r}: "
            "at most 64 letters, digits, - and _, with a letter first"
        )
    if version is None:
        return "its version is inherited (version.workspace = true), but no [workspace.package] above it says one"
    if not is_valid(Version, version):
        return f"crates.json cannot hold its version {version[:80]!r}: write MAJOR.MINOR.PATCH, without build metadata"
    if not is_valid(RelativePath, crate.directory):
        return "crates.json cannot hold its path: use only letters, digits and . _ - @ + in names of directories"
    return None


def _version(crate: Candidate, kind: Kind | None, seen: RepositoryScan) -> str | None:
    """The version of the package: an addon's is package.json's where it says one, else it is the one that Cargo sees.

    napi's own projects leave 0.0.0 in Cargo.toml, which is also what Cargo takes where none is given. None when the
    version is inherited from nowhere: cargo refuses that, whatever package.json says.
    """
    own, shared = crate.package.version, workspace_table(crate.root, seen.manifests)
    cargos = (shared.package.version if shared else None) if isinstance(own, Inherited) else own or "0.0.0"
    beside = crate.package_json.version if kind == "napi" and crate.package_json is not None else None
    return cargos if cargos is None or beside is None else beside


def _npm_name(crate: Candidate) -> str | None:
    name = crate.package_json.name if crate.package_json else None
    return name if name is not None and is_npm_name(name) else None


def _addons_without_crate(seen: RepositoryScan, candidates: list[Candidate]) -> list[SkippedFile]:
    explained = {crate.nearby_package for crate in candidates if depends_on(crate, "napi", seen.manifests)}
    files = [posixpath.normpath(f"{each}/package.json") for each in seen.addon_packages()]
    return [
        skipped_file(path, "it has a `napi` key, but no Cargo.toml that can be read lies beside it")
        for path in files
        if path not in explained
    ]


def _repeated(crates: list[Candidate]) -> dict[str, str]:
    """Crates whose name or npm name another one has already, the nearest to the top being the first to have it."""
    owners: dict[str, str] = {}
    repeated: dict[str, str] = {}
    for crate in sorted(crates, key=lambda each: (each.directory.count("/"), each.directory)):
        names = [name for name in (crate.package.name.lower(), _npm_name(crate)) if name is not None]
        taken = next((name for name in names if name in owners), None)
        if taken is not None:
            repeated[crate.directory] = f"its name {taken} is also that of {manifest_path(owners[taken])}"
        else:
            owners |= dict.fromkeys(names, crate.directory)
    return repeated


def _needs(chosen: Mapping[str, _Chosen], candidates: list[Candidate], seen: RepositoryScan) -> dict[str, list[str]]:
    """For each chosen directory the chosen ones it depends on by path, straight or by way of crates that are left out.

    Development dependencies do not count: Cargo allows circles of them.
    """
    roots = {crate.directory: crate.root for crate in candidates}
    needs: dict[str, list[str]] = {}
    for directory in chosen:
        reached: set[str] = set()
        waiting = [directory]
        while waiting:
            at = waiting.pop()
            targets = set(path_dependencies(at, roots[at], seen.manifests)) & roots.keys() - reached
            reached |= targets
            waiting += targets - chosen.keys()
        needs[directory] = sorted(reached & chosen.keys())
    return needs


def _circular(needs: Mapping[str, list[str]]) -> dict[str, str]:
    """Crates that depend on themselves by way of others, which cargo refuses to build."""
    circular: dict[str, str] = {}
    while True:
        rest = {
            each: [to for to in wanted if to not in circular] for each, wanted in needs.items() if each not in circular
        }
        try:
            TopologicalSorter(rest).prepare()
        except CycleError as error:
            circle = [str(each) for each in error.args[1]]
            circular |= dict.fromkeys(circle, f"it depends on itself: {' → '.join(reversed(circle))}")
        else:
            return circular


def _drop(chosen: dict[str, _Chosen], unwanted: Mapping[str, str]) -> list[SkippedFile]:
    for directory in unwanted:
        del chosen[directory]
    return [skipped_file(manifest_path(directory), why) for directory, why in unwanted.items()]


def _differences(found: tuple[FoundCrate, ...], seen: RepositoryScan) -> list[str]:
    """What an addon's package.json does not say as crates.json will; the build refuses it until both are equal."""
    notes = []
    for crate in (each for each in found if each.kind == "napi"):
        package = seen.packages[crate.path]
        where = posixpath.normpath(f"{crate.path}/package.json")
        if package.version is None:
            notes.append(f"{where} has no version: make it {crate.version}, as in crates.json, or it will not build")
        if crate.npm_name is None:
            said = f"has the name {package.name}" if package.name is not None else "has no name"
            notes.append(printable(f"{where} {said}: make it @scope/name, as in crates.json, or it will not build"))
    return notes


def _unpublished(chosen: Iterable[_Chosen], seen: RepositoryScan) -> list[str]:
    """Programs that Cargo does not publish may be for the repository alone; addons and modules are for npm alone."""
    programs = (each.crate for each in chosen if each.kind == "bin")
    names = sorted(crate.package.name for crate in programs if not _is_published(crate, seen))
    words = "take out of crates.json what is for nobody else: `publish = false` in Cargo.toml does not keep from npm"
    return [printable(f"{words} {', '.join(names)}")] if names else []


def _is_published(crate: Candidate, seen: RepositoryScan) -> bool:
    own, shared = crate.package.publish, workspace_table(crate.root, seen.manifests)
    return bool((shared is None or shared.package.publish) if isinstance(own, Inherited) else own)
