"""The document itself, by OWASP's own library: the same bytes for the same parts, whenever and wherever it is made."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from generator import __version__
from generator.errors import Unbuildable
from generator.packages.files import SBOM_FILE
from generator.packages.identity import Identity
from generator.platforms import PlatformName
from generator.sbom.components import PackageComponent
from generator.sbom.crates import crate_components
from generator.sbom.npm import npm_components


@dataclass(frozen=True)
class Contents:
    """What a package is made of: crates, its own first, and npm packages, of which `named` are those it names."""

    crates: tuple[PackageComponent, ...]
    npm: tuple[PackageComponent, ...] = ()
    direct_npm: tuple[str, ...] = ()


def read_contents(metadata: bytes, lock: str, package_lock: bytes | None, manifest_path: str) -> Contents:
    """Read what cargo, Cargo.lock and package-lock.json, where there is one, say; Unbuildable when it is no use."""
    npm, named = npm_components(package_lock) if package_lock else ((), ())
    return Contents(crate_components(metadata, lock, manifest_path), npm, named)


def write_document(document: bytes, staged: Path) -> None:
    """Put the document among the files of a package, in place of one that the crate may have brought."""
    path = staged / SBOM_FILE
    if path.is_dir():
        raise Unbuildable(f"the package has a directory {SBOM_FILE}, where the list of its parts belongs")
    path.write_bytes(document)


def sbom(identity: Identity, program: bool, platforms: tuple[PlatformName, ...], contents: Contents) -> bytes:
    """Return CycloneDX 1.6 in JSON, without a time; its serial number comes from the content.

    https://cyclonedx.org/docs/1.6/json/
    """
    parts = (*contents.crates, *contents.npm)
    components = _components(parts)
    root = _root(identity, program, platforms)
    bom = Bom(components=components.values())
    bom.metadata.component = root
    bom.metadata.tools.components.add(
        Component(name="cratematrix", version=__version__, type=ComponentType.APPLICATION)
    )
    first = [components[key] for key in (contents.crates[0].key, *contents.direct_npm)]
    bom.register_dependency(root, first)
    for part in parts:
        bom.register_dependency(
            components[part.key], [components[key] for key in part.dependencies if key in components]
        )
    data: dict[str, Any] = json.loads(JsonV1Dot6(bom).output_as_string())
    del data["serialNumber"], data["metadata"]["timestamp"]
    digest = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
    data["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_OID, digest).urn
    return (json.dumps(data, indent=1, sort_keys=True) + "\n").encode()


def _root(identity: Identity, program: bool, platforms: tuple[PlatformName, ...]) -> Component:
    scope, _, base = identity.name.rpartition("/")
    purl = PackageURL("npm", scope, base, identity.version)
    return Component(
        name=base,
        group=scope,
        version=identity.version,
        type=ComponentType.APPLICATION if program else ComponentType.LIBRARY,
        purl=purl,
        bom_ref=purl.to_string(),
        licenses=_licenses(identity.license),
        properties=[Property(name="cratematrix:platform", value=each) for each in platforms],
    )


def _components(parts: Iterable[PackageComponent]) -> dict[str, Component]:
    """Return a component for each part, under the part's key; equal packages of npm in several places are one."""
    made: dict[str, Component] = {}
    by_reference: dict[str, Component] = {}
    for part in sorted(parts, key=lambda each: (each.name, each.version, each.scope != "required", each.key)):
        reference = part.purl or f"{part.name}@{part.version}"
        if reference not in by_reference:
            by_reference[reference] = _component(part, reference)
        made[part.key] = by_reference[reference]
    return made


def _component(part: PackageComponent, reference: str) -> Component:
    return Component(
        name=part.name,
        version=part.version,
        scope=ComponentScope(part.scope),
        purl=PackageURL.from_string(part.purl) if part.purl else None,
        bom_ref=reference,
        licenses=_licenses(part.license),
        hashes=[HashType(alg=HashAlgorithm(algorithm), content=digest) for algorithm, digest in part.digests],
    )


def _licenses(text: str | None) -> list[Any]:
    """Return what a package says of its license; old crates write MIT/Apache-2.0 for a choice."""
    if not text:
        return []
    return [LicenseFactory().make_from_string(text.replace("/", " OR "), license_acknowledgement=None)]
