"""The crates that one crate is compiled from, from `cargo metadata` and Cargo.lock."""

from __future__ import annotations

import posixpath
import tomllib
from collections.abc import Callable, Collection, Mapping

from packageurl import PackageURL
from pydantic import ValidationError

from generator.errors import Unbuildable
from generator.sbom.components import PackageComponent, Scope
from generator.strict import Loose


class _Target(Loose):
    kind: tuple[str, ...]


class _Wish(Loose):
    source: str | None = None
    registry: str | None = None


class _Package(Loose):
    id: str
    name: str
    version: str
    manifest_path: str
    source: str | None = None
    license: str | None = None
    targets: tuple[_Target, ...] = ()
    dependencies: tuple[_Wish, ...] = ()

    @property
    def runs_while_building(self) -> bool:
        """Whether it is a macro, which the compiler runs."""
        return any("proc-macro" in target.kind for target in self.targets)


class _Kind(Loose):
    kind: str | None = None


class _Edge(Loose):
    pkg: str
    dep_kinds: tuple[_Kind, ...] = ()

    def is_of(self, *kinds: str | None) -> bool:
        """Whether it is a dependency of one of these kinds: None is the usual one."""
        return any(each.kind in kinds for each in self.dep_kinds)


class _Node(Loose):
    id: str
    deps: tuple[_Edge, ...] = ()


class _Resolve(Loose):
    nodes: tuple[_Node, ...]


class _Metadata(Loose):
    packages: tuple[_Package, ...]
    resolve: _Resolve


Sums = Mapping[tuple[str, str, str | None], str]


def crate_components(metadata: bytes, lock: str, manifest_path: str) -> tuple[PackageComponent, ...]:
    """Return the crate of a Cargo.toml, and all crates that it is compiled from, without dependencies of tests.

    Cargo resolves features for a whole workspace and all requested platforms at once. The result is complete, but may
    contain crates that only another member or platform needs.
    """
    try:
        found = _Metadata.model_validate_json(metadata)
        sums = _checksums(lock)
    except (ValidationError, tomllib.TOMLDecodeError, TypeError, KeyError):
        raise Unbuildable("cargo gave no usable description of the crate's dependencies") from None
    packages = {package.id: package for package in found.packages}
    edges = {
        node.id: tuple(edge for edge in node.deps if edge.pkg in packages and edge.is_of(None, "build"))
        for node in found.resolve.nodes
    }
    root = next((each.id for each in found.packages if posixpath.normpath(each.manifest_path) == manifest_path), None)
    if root is None:
        raise Unbuildable("cargo gave no description of the crate's dependencies")
    linked = _reachable(root, edges, lambda edge: edge.is_of(None) and not packages[edge.pkg].runs_while_building)
    common = {wish.source for package in found.packages for wish in package.dependencies if wish.registry is None}
    return tuple(
        _component(packages[each], edges.get(each, ()), "required" if each in linked else "excluded", common, sums)
        for each in _reachable(root, edges, lambda _: True)
    )


def _component(
    package: _Package, edges: tuple[_Edge, ...], scope: Scope, common: Collection[str | None], sums: Sums
) -> PackageComponent:
    checksum = sums.get((package.name, package.version, package.source))
    return PackageComponent(
        key=package.id,
        name=package.name,
        version=package.version,
        scope=scope,
        dependencies=tuple(edge.pkg for edge in edges),
        purl=_purl(package, common),
        license=package.license,
        digests=(("SHA-256", checksum),) if checksum else (),
    )


def _reachable(start: str, edges: Mapping[str, tuple[_Edge, ...]], follows: Callable[[_Edge], bool]) -> tuple[str, ...]:
    """Return the packages reachable over the followed edges, `start` first."""
    found, waiting = {start: None}, [start]
    while waiting:
        for edge in edges.get(waiting.pop(), ()):
            if edge.pkg not in found and follows(edge):
                found[edge.pkg] = None
                waiting.append(edge.pkg)
    return tuple(found)


def _checksums(lock: str) -> Sums:
    """Return the SHA-256 of the crates' archives in a Cargo.lock."""
    packages = tomllib.loads(lock).get("package", [])
    return {
        (each["name"], each["version"], each.get("source")): each["checksum"] for each in packages if "checksum" in each
    }


def _purl(package: _Package, common: Collection[str | None]) -> str | None:
    """Return a crate's package URL, or None for a crate of the repository itself, which is not public.

    https://github.com/package-url/purl-spec: a `cargo` URL without qualifiers means the default registry. Dependencies
    on the default registry name no registry.
    """
    if package.source is None:
        return None
    qualifiers = {}
    if package.source.startswith("git+"):
        qualifiers = {
            "vcs_url": package.source.partition("#")[0].partition("?")[0] + "@" + package.source.partition("#")[2]
        }
    elif package.source not in common:
        qualifiers = {"repository_url": package.source.partition("+")[2]}
    return PackageURL("cargo", None, package.name, package.version, qualifiers).to_string()
