"""Reading the components of a package from the output of cargo and from lock files."""

from __future__ import annotations

from dataclasses import dataclass

from generator.sbom.components import PackageComponent
from generator.sbom.crates import crate_components
from generator.sbom.npm import npm_components


@dataclass(frozen=True)
class Contents:
    """The components of a package: crates with its own first, and npm packages; `direct_npm` are its direct ones."""

    crates: tuple[PackageComponent, ...]
    npm: tuple[PackageComponent, ...] = ()
    direct_npm: tuple[str, ...] = ()


def read_contents(
    metadata: bytes, lock: str, package_lock: bytes | None, manifest_path: str, member: str = ""
) -> Contents:
    """Read the output of cargo, Cargo.lock and an optional package-lock.json; raise Unbuildable when one is invalid.

    `member` is the package's directory from that of package-lock.json, "" for the same.
    """
    npm, named = npm_components(package_lock, member) if package_lock else ((), ())
    return Contents(crate_components(metadata, lock, manifest_path), npm, named)
