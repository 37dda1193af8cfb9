"""The crates that one crate is compiled from, from `cargo metadata` and Cargo.lock."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Mapping

from packageurl import PackageURL
from pydantic import ValidationError

from generator.cargo.metadata import CargoMetadata, Edge, Package
from generator.errors import Unbuildable
from generator.sbom.components import PackageComponent, Scope

Sums = Mapping[tuple[str, str, str | None], str]


def crate_components(metadata: bytes, lock: str, manifest_path: str) -> tuple[PackageComponent, ...]:
    """Return the crate of a Cargo.toml, and all crates that it is compiled from, without dependencies of tests.

    Cargo resolves features for a whole workspace and all requested platforms at once. The result is complete, but may
    contain crates that only another member or platform needs.
    """
    try:
        found = CargoMetadata.model_validate_json(metadata)
        sums = _checksums(lock)
    except (ValidationError, tomllib.TOMLDecodeError, TypeError, KeyError):
        raise Unbuildable("cargo gave no usable description of the crate's dependencies") from None
    crate = found.package_at(manifest_path)
    if crate is None or found.resolve is None:
        raise Unbuildable("cargo gave no description of the crate's dependencies")
    root = crate.id
    packages = {package.id: package for package in found.packages}
    edges = {
        node.id: tuple(edge for edge in node.deps if edge.pkg in packages and edge.is_of(None, "build"))
        for node in found.resolve.nodes
    }
    linked = _reachable(root, edges, lambda edge: edge.is_of(None) and not packages[edge.pkg].is_macro)
    common = {wish.source for package in found.packages for wish in package.dependencies if wish.registry is None}
    return tuple(
        _component(packages[each], edges.get(each, ()), "required" if each in linked else "excluded", common, sums)
        for each in _reachable(root, edges, lambda _: True)
    )


def _component(
    package: Package, edges: tuple[Edge, ...], scope: Scope, common: Collection[str | None], sums: Sums
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


def _reachable(start: str, edges: Mapping[str, tuple[Edge, ...]], follows: Callable[[Edge], bool]) -> tuple[str, ...]:
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


def _purl(package: Package, common: Collection[str | None]) -> str | None:
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
