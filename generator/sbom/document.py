"""The SBOM document, written with OWASP's library: equal components give equal bytes."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable
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
from generator.sbom.contents import Contents


def write_document(document: bytes, staged: Path) -> None:
    """Write the document among the files of a package; it replaces one of the crate."""
    path = staged / SBOM_FILE
    if path.is_dir():
        raise Unbuildable(f"the package has a directory {SBOM_FILE}, but needs a file of that name for its SBOM")
    path.write_bytes(document)


def sbom(identity: Identity, program: bool, platforms: tuple[PlatformName, ...], contents: Contents) -> bytes:
    """Return CycloneDX 1.6 in JSON without a time, with a serial number derived from the content.

    https://cyclonedx.org/docs/1.6/json/
    """
    packages = (*contents.crates, *contents.npm)
    components = _components(packages)
    root = _root(identity, program, platforms)
    bom = Bom(components=components.values())
    bom.metadata.component = root
    bom.metadata.tools.components.add(
        Component(name="cratematrix", version=__version__, type=ComponentType.APPLICATION)
    )
    first = [components[key] for key in (contents.crates[0].key, *contents.direct_npm)]
    bom.register_dependency(root, first)
    for each in packages:
        bom.register_dependency(
            components[each.key], [components[key] for key in each.dependencies if key in components]
        )
    data: dict[str, Any] = json.loads(JsonV1Dot6(bom).output_as_string())
    del data["serialNumber"], data["metadata"]["timestamp"]
    digest = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
    data["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_OID, digest).urn
    return (json.dumps(data, indent=1, sort_keys=True) + "\n").encode()


def _root(identity: Identity, program: bool, platforms: tuple[PlatformName, ...]) -> Component:
    scope, _, base = identity.name.rpartition("/")
    purl = PackageURL("npm", scope or None, base, identity.version)
    return Component(
        name=base,
        group=scope or None,
        version=identity.version,
        type=ComponentType.APPLICATION if program else ComponentType.LIBRARY,
        purl=purl,
        bom_ref=purl.to_string(),
        licenses=_licenses(identity.license),
        properties=[Property(name="cratematrix:platform", value=each) for each in platforms],
    )


def _components(packages: Iterable[PackageComponent]) -> dict[str, Component]:
    """Return CycloneDX components by key; equal npm packages in several places become one."""
    made: dict[str, Component] = {}
    by_reference: dict[str, Component] = {}
    ordered = sorted(packages, key=lambda each: (each.name, each.version, each.scope != "required", each.key))
    for package in ordered:
        reference = package.purl or f"{package.name}@{package.version}"
        if reference not in by_reference:
            by_reference[reference] = _component(package, reference)
        made[package.key] = by_reference[reference]
    return made


def _component(package: PackageComponent, reference: str) -> Component:
    return Component(
        name=package.name,
        version=package.version,
        scope=ComponentScope(package.scope),
        purl=PackageURL.from_string(package.purl) if package.purl else None,
        bom_ref=reference,
        licenses=_licenses(package.license),
        hashes=[HashType(alg=HashAlgorithm(algorithm), content=digest) for algorithm, digest in package.digests],
    )


def _licenses(text: str | None) -> list[Any]:
    """Return a package's license expression; old crates write MIT/Apache-2.0 for a choice."""
    if not text:
        return []
    return [LicenseFactory().make_from_string(text.replace("/", " OR "), license_acknowledgement=None)]
