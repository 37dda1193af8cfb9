"""What Cargo.lock holds for one crate: itself and all that it depends on, of tests as well.

The format is not documented; this is what cargo writes as versions 3 and 4 of it.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

from pydantic import BeforeValidator

from generator.cargo.manifests import FileModel, parse_toml, validate_file
from generator.errors import InputError

MAX_SIZE: Final = 8 * 1024 * 1024
"""Characters of a Cargo.lock; those of the largest well-known workspaces have a tenth of it."""


Each = TypeVar("Each")
# TOML has lists; what is compared and kept in sets has tuples.
TomlList = Annotated[
    tuple[Each, ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
]


class LockedPackage(FileModel):
    """[[package]]; a package without `source` lies in the repository."""

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
    """Cargo.lock's text as a model; InputError says what is wrong."""
    return validate_file(CargoLock, parse_toml(text, MAX_SIZE))


def locked_packages(crate: str, lock: CargoLock) -> frozenset[LockedPackage]:
    """Return the packages that a crate of the repository is built from; InputError when the lock has no such crate."""
    by_name: dict[str, list[LockedPackage]] = {}
    for each in lock.package:
        by_name.setdefault(each.name, []).append(each)
    waiting = [each for each in by_name.get(crate, ()) if each.source is None]
    if not waiting or lock.metadata:
        raise InputError(f"Cargo.lock does not say what {crate} depends on")
    found: set[LockedPackage] = set()
    while waiting:
        package = waiting.pop()
        if package not in found:
            found.add(package)
            waiting += [each for named in package.dependencies for each in _meant(named, by_name)]
    return frozenset(found)


def _meant(named: str, by_name: dict[str, list[LockedPackage]]) -> list[LockedPackage]:
    """What `NAME`, `NAME VERSION` or `NAME VERSION (SOURCE)` stands for: as much as makes it unique."""
    name, version, source = [*named.split(" "), "", ""][:3]
    return [
        each for each in by_name.get(name, ()) if version in ("", each.version) and source in ("", f"({each.source})")
    ]
