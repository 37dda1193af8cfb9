"""Models of `cargo metadata --format-version 1`: https://doc.rust-lang.org/cargo/commands/cargo-metadata.html."""

from __future__ import annotations

import posixpath
from typing import Final

from pydantic import Field

from generator.strict import Loose

# The metadata of a crate with 500 dependencies has 2 MiB.
MAX_METADATA_BYTES: Final = 64 * 1024 * 1024

_LIBRARY_KINDS: Final = frozenset({"lib", "cdylib", "rlib", "dylib", "staticlib", "proc-macro"})


class Target(Loose):
    """One target of a package: a library, a program, a test, an example or a build script."""

    name: str
    kind: tuple[str, ...]
    crate_types: tuple[str, ...] = ()
    required_features: tuple[str, ...] = Field(default=(), validation_alias="required-features")


class Dependency(Loose):
    """A dependency as Cargo.toml declares it. `registry` names a registry other than the default one."""

    name: str
    source: str | None = None
    registry: str | None = None


class Package(Loose):
    """One package, of the workspace or a dependency."""

    id: str
    name: str
    version: str
    manifest_path: str
    source: str | None = None
    targets: tuple[Target, ...] = ()
    features: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    dependencies: tuple[Dependency, ...] = ()
    description: str | None = None
    license: str | None = None
    license_file: str | None = None
    readme: str | None = None
    repository: str | None = None
    homepage: str | None = None
    keywords: tuple[str, ...] = ()

    @property
    def programs(self) -> tuple[str, ...]:
        """Names of its command-line programs, sorted."""
        return tuple(sorted(target.name for target in self.targets if "bin" in target.kind))

    @property
    def library(self) -> Target | None:
        """Its library target, or None."""
        return next((target for target in self.targets if not _LIBRARY_KINDS.isdisjoint(target.kind)), None)

    @property
    def is_macro(self) -> bool:
        """Return True for a procedural macro, which the compiler itself runs."""
        return any("proc-macro" in target.kind for target in self.targets)

    def depends_on(self, name: str) -> bool:
        """Return True if Cargo.toml declares a dependency of that name."""
        return any(dependency.name == name for dependency in self.dependencies)


class EdgeKind(Loose):
    """The table that declares a dependency: None, "dev" or "build"."""

    kind: str | None = None


class Edge(Loose):
    """A resolved dependency: the id of a package, and the tables that declare it."""

    pkg: str
    dep_kinds: tuple[EdgeKind, ...] = ()

    def is_of(self, *kinds: str | None) -> bool:
        """Return True if one of these tables declares it; None is the ordinary one."""
        return any(each.kind in kinds for each in self.dep_kinds)


class Node(Loose):
    """A package of the resolved graph."""

    id: str
    deps: tuple[Edge, ...] = ()


class Resolve(Loose):
    """The resolved graph."""

    nodes: tuple[Node, ...]


class CargoMetadata(Loose):
    """The whole output. `resolve` is None with --no-deps."""

    packages: tuple[Package, ...]
    resolve: Resolve | None = None

    def package_at(self, manifest_path: str) -> Package | None:
        """Return the package of a Cargo.toml, or None when there is none, as for a workspace without a package."""
        return next((each for each in self.packages if posixpath.normpath(each.manifest_path) == manifest_path), None)
