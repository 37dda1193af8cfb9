"""The packages that Cargo.lock holds for one crate: the crate and all its dependencies, including those of tests.

The format is not documented; the models follow the output of cargo in versions 3 and 4.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

from pydantic import BeforeValidator

from generator.cargo.manifests import FileModel, parse_toml, validate_file
from generator.errors import InputError

MAX_SIZE: Final = 8 * 1024 * 1024
"""The maximum number of characters of a Cargo.lock; the largest well-known workspaces have a tenth of it."""


Item = TypeVar("Item")
# TOML has lists; values in sets must be tuples.
TomlList = Annotated[
    tuple[Item, ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
]


class LockedPackage(FileModel):
    """A [[package]]; a package without `source` lies in the repository."""

    name: str
    version: str
    source: str | None = None
    checksum: str | None = None
    dependencies: TomlList[str] = ()


class CargoLock(FileModel):
    """A whole Cargo.lock. `metadata` holds checksums in version 1."""

    version: int = 1
    package: TomlList[LockedPackage] = ()
    metadata: object = None


def parse_cargo_lock(text: str) -> CargoLock:
    """Parse a Cargo.lock; raise InputError with the reason when it is invalid."""
    return validate_file(CargoLock, parse_toml(text, MAX_SIZE))


def locked_packages(crate: str, lock: CargoLock) -> frozenset[LockedPackage]:
    """Return the packages that a crate is built from; raise InputError when Cargo.lock lacks the crate."""
    by_name: dict[str, list[LockedPackage]] = {}
    for each in lock.package:
        by_name.setdefault(each.name, []).append(each)
    pending = [each for each in by_name.get(crate, ()) if each.source is None]
    if not pending or lock.metadata:
        raise InputError(f"Cargo.lock does not list the dependencies of {crate}")
    found: set[LockedPackage] = set()
    while pending:
        package = pending.pop()
        if package not in found:
            found.add(package)
            pending += [each for reference in package.dependencies for each in _referenced(reference, by_name)]
    return frozenset(found)


def _referenced(reference: str, by_name: dict[str, list[LockedPackage]]) -> list[LockedPackage]:
    """Return the packages that `NAME`, `NAME VERSION` or `NAME VERSION (SOURCE)` refers to."""
    name, version, source = [*reference.split(" "), "", ""][:3]
    return [
        each for each in by_name.get(name, ()) if version in ("", each.version) and source in ("", f"({each.source})")
    ]
