"""The parts of a package and how they depend on each other, wherever they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# `excluded` is what helps to build and is not in what was built.
Scope = Literal["required", "optional", "excluded"]


@dataclass(frozen=True)
class PackageComponent:
    """One crate or npm package; `key` is unique among the parts, `needs` the keys of what it depends on.

    `purl` is its package URL, None where nobody else could get it. `digests` are the algorithm, as CycloneDX calls it,
    and the digest in hexadecimal of the archive that it came in. `license` is what it says itself.
    """

    key: str
    name: str
    version: str
    scope: Scope
    dependencies: tuple[str, ...] = ()
    purl: str | None = None
    license: str | None = None
    digests: tuple[tuple[str, str], ...] = ()
