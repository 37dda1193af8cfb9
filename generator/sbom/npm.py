"""The npm packages that an addon's package needs at run time, by what its package-lock.json says."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Final

from packageurl import PackageURL
from pydantic import Field, ValidationError

from generator.errors import Unbuildable
from generator.sbom.components import PackageComponent
from generator.strict import Loose

_MODULES: Final = "node_modules/"
# Old packages have capitals: its documentation of package.json, name
_NAME: Final = re.compile(r"(@[A-Za-z0-9._~-]+/)?[A-Za-z0-9._~-]+")
# Subresource integrity's names, and CycloneDX's.
_ALGORITHMS: Final = {"sha1": "SHA-1", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}


class _Entry(Loose):
    """One place in node_modules: npm's documentation of package-lock.json, packages."""

    name: str | None = None
    version: str | None = None
    integrity: str = ""
    license: str | None = None
    link: bool = False
    dev: bool = False
    optional: bool = False
    dev_optional: bool = Field(default=False, validation_alias="devOptional")
    dependencies: dict[str, str] = Field(default_factory=dict)
    optional_dependencies: dict[str, str] = Field(default_factory=dict, validation_alias="optionalDependencies")
    peer_dependencies: dict[str, str] = Field(default_factory=dict, validation_alias="peerDependencies")

    @property
    def wishes(self) -> tuple[str, ...]:
        """Names of what it needs at run time."""
        return tuple({**self.dependencies, **self.optional_dependencies, **self.peer_dependencies})


class _Lock(Loose):
    packages: dict[str, _Entry] = Field(default_factory=dict)


def npm_components(lock: bytes) -> tuple[tuple[PackageComponent, ...], tuple[str, ...]]:
    """Return the packages that are installed with the addon's own, and the keys of those that it names itself.

    A lock file of npm 6 or older does not say which these are, and gives none.
    """
    try:
        entries = _Lock.model_validate_json(lock).packages
    except ValidationError:
        raise Unbuildable("package-lock.json is not one that npm 7 or later wrote") from None
    used = {
        path: each
        for path, each in entries.items()
        if _MODULES in path and each.version and not (each.link or each.dev or each.dev_optional)
    }
    parts = tuple(_part(path, each, used) for path, each in used.items())
    own = entries.get("")
    return parts, _found("", own.wishes if own else (), used)


def _part(path: str, entry: _Entry, used: Mapping[str, _Entry]) -> PackageComponent:
    name, version = entry.name or path.rpartition(_MODULES)[2], entry.version or ""
    if not _NAME.fullmatch(name):
        raise Unbuildable(f"package-lock.json has {name[:100]!r} for the name of a package")
    scope, _, base = name.rpartition("/")
    return PackageComponent(
        key=path,
        name=name,
        version=version,
        scope="optional" if entry.optional else "required",
        dependencies=_found(path, entry.wishes, used),
        purl=PackageURL("npm", scope or None, base, version).to_string(),
        license=entry.license,
        digests=_digests(entry.integrity),
    )


def _found(path: str, names: tuple[str, ...], used: Mapping[str, _Entry]) -> tuple[str, ...]:
    """Return where Node finds packages of these names from a place: the nearest node_modules, from inside out."""
    found = []
    for name in names:
        above = f"{path}/" if path else ""
        while f"{above}{_MODULES}{name}" not in used and above:
            above = above[: -len("/")].rpartition(_MODULES)[0]
        if (place := f"{above}{_MODULES}{name}") in used:
            found.append(place)
    return tuple(found)


def _digests(integrity: str) -> tuple[tuple[str, str], ...]:
    """Return the digests of an integrity string; what is none is left out."""
    found = []
    for word in integrity.split():
        algorithm, _, text = word.partition("-")
        try:
            digest = base64.b64decode(text, validate=True).hex()
        except (binascii.Error, ValueError):
            continue
        if algorithm in _ALGORITHMS and len(digest) in (40, 64, 96, 128):
            found.append((_ALGORITHMS[algorithm], digest))
    return tuple(found)
