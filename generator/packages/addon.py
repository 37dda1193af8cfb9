"""The package of a napi addon: the crate's own, with every built platform's file beside the loader."""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import Any, Final

from generator.errors import Unbuildable
from generator.packages.files import packed_files
from generator.packages.identity import Identity
from generator.packages.tarball import PackedFile, json_bytes
from generator.platforms import PLATFORMS, PlatformName

# npm runs these on the user's machine at install time; no package of the fleet may.
INSTALL_SCRIPTS: Final = (
    "preinstall",
    "install",
    "postinstall",
    "prepare",
    "prepublish",
    "prepublishOnly",
    "prepack",
    "postpack",
)


def binary_name(package_json: dict[str, Any]) -> str:
    """Return the name that the addon's files begin with: `binaryName` in napi's version 3, `name` in version 2."""
    napi = package_json.get("napi")
    if not isinstance(napi, dict):
        raise Unbuildable("package.json has no napi key: kind napi needs one (npx napi new shows how)")
    name = napi.get("binaryName", napi.get("name", "index"))
    if not isinstance(name, str) or not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise Unbuildable("package.json: the napi binary name must be letters, digits, dots, - and _")
    return name


def addon_package(
    identity: Identity, declared: dict[str, Any], platforms: tuple[PlatformName, ...], staged: Path
) -> tuple[PackedFile, ...]:
    """Check that everything package.json promises is there, and take out what must not reach a user's machine."""
    files = packed_files(staged)
    paths = {file.path for file in files}
    for platform in platforms:
        if (addon := f"{binary_name(declared)}.{platform}.node") not in paths:
            raise Unbuildable(f"{addon} was not built: does the build script call napi build --platform?")
    for key in ("main", "types", "module", "browser"):
        if isinstance(promised := declared.get(key), str) and not _exists(promised, paths):
            raise Unbuildable(f"package.json names {promised} as its {key}, and nothing built it")
    if declared.get("bundleDependencies") or declared.get("bundledDependencies"):
        raise Unbuildable("package.json bundles dependencies, whose install scripts would run: list them instead")
    if "main" not in declared and "exports" not in declared and "index.js" not in paths:
        raise Unbuildable("package.json has no main, and there is no index.js")
    kept = tuple(file for file in files if file.path not in {"package.json", "binding.gyp"})
    return (PackedFile("package.json", json_bytes(_published(identity, declared, paths))), *kept)


def _published(identity: Identity, declared: dict[str, Any], paths: set[str]) -> dict[str, Any]:
    """Return package.json without install scripts, development dependencies and platform packages.

    The tarball carries every platform itself; npm would look for the separate ones on the network.
    """
    published = {
        key: value
        for key, value in declared.items()
        if key not in {"devDependencies", "gypfile", "publishConfig", "packageManager"}
    }
    published |= {"name": identity.name, "version": identity.version}
    published["files"] = sorted(paths - {"package.json", "binding.gyp"})
    if isinstance(scripts := declared.get("scripts"), dict):
        published["scripts"] = {key: value for key, value in scripts.items() if key not in INSTALL_SCRIPTS}
    if isinstance(optional := declared.get("optionalDependencies"), dict):
        own = {f"{declared.get('name')}-{platform}" for platform in PLATFORMS}
        published["optionalDependencies"] = {key: value for key, value in optional.items() if key not in own}
    return {key: value for key, value in published.items() if value not in ({}, [])}


def _exists(promised: str, paths: set[str]) -> bool:
    path = posixpath.normpath(promised)
    return bool({path, f"{path}.js", f"{path}.json", f"{path}/index.js"} & paths)
