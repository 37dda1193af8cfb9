"""The components of a package, from crates and npm, and their dependencies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# `excluded` components are needed for the build but are not in its result.
Scope = Literal["required", "optional", "excluded"]


@dataclass(frozen=True)
class PackageComponent:
    """One crate or npm package; `key` is unique, and `dependencies` are keys of other components.

    `purl` is the package URL, or None for a package that is not public. `digests` are pairs of CycloneDX's algorithm
    name and the archive's digest in hexadecimal. `license` is the package's own statement.
    """

    key: str
    name: str
    version: str
    scope: Scope
    dependencies: tuple[str, ...] = ()
    purl: str | None = None
    license: str | None = None
    digests: tuple[tuple[str, str], ...] = ()
