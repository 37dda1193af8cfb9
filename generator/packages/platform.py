"""Packages for one platform each, and what makes npm install the right one of them with the root package."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from generator.manifest.names import platform_package
from generator.packages.files import DOCUMENT_FILE
from generator.packages.tarball import NpmPackage, PackedFile, package_json
from generator.platforms import PLATFORMS, PlatformName

# What a package says of itself that holds for its platforms too.
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
    root: dict[str, Any],
    platform: PlatformName,
    files: Iterable[PackedFile],
    root_files: Iterable[PackedFile],
    **more: Any,
) -> NpmPackage:
    """Return the package of a platform: these files, the root's README and license, and its words on itself.

    `os`, `cpu` and, for Linux alone, `libc` keep npm from installing it elsewhere; wasm32 runs everywhere and has none
    of them. `more` are further keys of its package.json.
    """
    known, own = PLATFORMS[platform], tuple(files)
    where: dict[str, Any] = {} if platform == "wasm32" else {"os": [known.os], "cpu": [known.cpu]}
    if known.libc:
        where["libc"] = [known.libc]
    name = platform_package(root["name"], platform)
    declared: dict[str, Any] = {
        "name": name,
        **{key: root[key] for key in INHERITED_KEYS if key in root},
        **where,
        **more,
    }
    declared["files"] = sorted(file.path for file in own)
    documents = (file for file in root_files if DOCUMENT_FILE.fullmatch(file.path))
    return NpmPackage(name, (package_json(declared), *own, *documents), platform)


def add_platform_dependencies(root: dict[str, Any], platforms: tuple[PlatformName, ...]) -> dict[str, Any]:
    """Return the root's package.json with an exact version of each platform's package among those npm tries to install.

    wasm32 is left out where there are others, for npm would install it everywhere, in vain; alone it is needed.
    """
    native = {platform_package(root["name"], each): root["version"] for each in platforms if each != "wasm32"}
    if native:
        return root | {"optionalDependencies": {**root.get("optionalDependencies", {}), **native}}
    needed = {platform_package(root["name"], each): root["version"] for each in platforms}
    return root | {"dependencies": {**root.get("dependencies", {}), **needed}}
