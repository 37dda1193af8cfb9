"""Platform packages, and the dependencies that make npm install the right one with the root package."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from generator.cargo.packaging import DOCUMENT_FILE
from generator.packages.identity import Identity
from generator.packages.tarball import NpmPackage, PackedFile, package_json
from generator.platforms import PLATFORMS, PlatformName

# Keys that platform packages take from the root package.
INHERITED_KEYS: Final = (
    "version",
    "description",
    "keywords",
    "author",
    "contributors",
    "license",
    "homepage",
    "repository",
    "bugs",
    "funding",
    "engines",
)


def package_for_platform(
    identity: Identity,
    root: dict[str, Any],
    platform: PlatformName,
    files: Iterable[PackedFile],
    root_files: Iterable[PackedFile],
    *,
    any_libc: bool = False,
    **more: Any,
) -> NpmPackage:
    """Return the package of a platform: its files, and the root's README, license and description.

    `os`, `cpu` and on Linux `libc` restrict the installation to the platform; wasm32 has none of them. `more` are
    further keys of its package.json. `any_libc` leaves `libc` out, for static programs without a package for glibc.
    """
    target, own = PLATFORMS[platform], tuple(files)
    restrictions: dict[str, Any] = {} if platform == "wasm32" else {"os": [target.os], "cpu": [target.cpu]}
    if target.libc and not any_libc:
        restrictions["libc"] = [target.libc]
    name = identity.platform_package(platform)
    declared: dict[str, Any] = {
        "name": name,
        **{key: root[key] for key in INHERITED_KEYS if key in root},
        **restrictions,
        **more,
    }
    declared["files"] = sorted(file.path for file in own)
    documents = (file for file in root_files if DOCUMENT_FILE.fullmatch(file.path))
    return NpmPackage(name, (package_json(declared), *own, *documents), platform)


def add_platform_dependencies(
    identity: Identity, root: dict[str, Any], platforms: tuple[PlatformName, ...]
) -> dict[str, Any]:
    """Return the root's package.json with each platform's package as an optional dependency of an exact version.

    wasm32 is omitted beside other platforms, because npm would install it everywhere. Alone it is a normal dependency.
    """
    native = {identity.platform_package(each): root["version"] for each in platforms if each != "wasm32"}
    if native:
        return root | {"optionalDependencies": {**root.get("optionalDependencies", {}), **native}}
    required = {identity.platform_package(each): root["version"] for each in platforms}
    return root | {"dependencies": {**root.get("dependencies", {}), **required}}
