"""The npm packages that an addon needs at run time, from its package-lock.json."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Mapping
from typing import Final

from packageurl import PackageURL
from pydantic import Field, ValidationError

from generator.errors import Unbuildable
from generator.sbom.components import PackageComponent
from generator.strict import Loose

_MODULES: Final = "node_modules/"
# Old packages have capital letters, see `name` in npm's documentation of package.json.
_NAME: Final = re.compile(r"(@[A-Za-z0-9._~-]+/)?[A-Za-z0-9._~-]+")
# Algorithm names of subresource integrity, and those of CycloneDX.
_ALGORITHMS: Final = {"sha1": "SHA-1", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}


class _Entry(Loose):
    """One entry of `packages`, see npm's documentation of package-lock.json."""

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
    def runtime_dependencies(self) -> tuple[str, ...]:
        """The names of the packages that it needs at run time."""
        return tuple({**self.dependencies, **self.optional_dependencies, **self.peer_dependencies})


class _Lock(Loose):
    packages: dict[str, _Entry] = Field(default_factory=dict)


def npm_components(lock: bytes, member: str = "") -> tuple[tuple[PackageComponent, ...], tuple[str, ...]]:
    """Return the packages that are installed with the addon, and the keys of its direct dependencies.

    A lock file of npm 6 or older does not list them, so the result is empty. The lock file of a workspace also has
    those of other members than the addon's own `member`, which are left out.
    """
    try:
        entries = _Lock.model_validate_json(lock.removeprefix(codecs.BOM_UTF8)).packages
    except ValidationError:
        raise Unbuildable("package-lock.json is not a lock file of npm 7 or later") from None
    installed = {
        path: each
        for path, each in entries.items()
        if _MODULES in path and each.version and not (each.link or each.dev or each.dev_optional)
    }
    own = entries.get(member)
    direct = _resolve(member, own.runtime_dependencies if own else (), installed)
    needed = _reachable(direct, installed) if member else installed.keys()
    return tuple(_component(path, each, installed) for path, each in installed.items() if path in needed), direct


def _reachable(direct: tuple[str, ...], installed: Mapping[str, _Entry]) -> frozenset[str]:
    """Return the keys of packages, of those that they need, and so on."""
    waiting, found = [*direct], set[str]()
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _resolve(path, installed[path].runtime_dependencies, installed)
    return frozenset(found)


def _component(path: str, entry: _Entry, installed: Mapping[str, _Entry]) -> PackageComponent:
    name, version = entry.name or path.rpartition(_MODULES)[2], entry.version or ""
    if not _NAME.fullmatch(name):
        raise Unbuildable(f"package-lock.json has the invalid package name {name[:100]!r}")
    scope, _, base = name.rpartition("/")
    return PackageComponent(
        key=path,
        name=name,
        version=version,
        scope="optional" if entry.optional else "required",
        dependencies=_resolve(path, entry.runtime_dependencies, installed),
        purl=PackageURL("npm", scope or None, base, version).to_string(),
        license=entry.license,
        digests=_digests(entry.integrity),
    )


def _resolve(path: str, names: tuple[str, ...], installed: Mapping[str, _Entry]) -> tuple[str, ...]:
    """Return the keys of named packages as Node resolves them from a path: the nearest node_modules first."""
    found = []
    for name in names:
        parent = f"{path}/" if path else ""
        while f"{parent}{_MODULES}{name}" not in installed and parent:
            parent = parent[: -len("/")].rpartition(_MODULES)[0]
        if (key := f"{parent}{_MODULES}{name}") in installed:
            found.append(key)
    return tuple(found)


def _digests(integrity: str) -> tuple[tuple[str, str], ...]:
    """Return the digests of an integrity string; invalid ones are skipped."""
    found = []
    for token in integrity.split():
        algorithm, _, text = token.partition("-")
        try:
            digest = base64.b64decode(text, validate=True).hex()
        except (binascii.Error, ValueError):
            continue
        if algorithm in _ALGORITHMS and len(digest) in (40, 64, 96, 128):
            found.append((_ALGORITHMS[algorithm], digest))
    return tuple(found)
