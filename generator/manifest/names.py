"""Names of packages and release assets; the runner, the release check and the documents all ask here."""

from __future__ import annotations

import re

from generator.manifest.models import Crate
from generator.manifest.values import Layout
from generator.platforms import PlatformName


def tarball_name(npm_name: str, version: str) -> str:
    """Name of a package's tarball, as `npm pack` would call it: `@scope/name` 1.2.3 is scope-name-1.2.3.tgz."""
    return f"{npm_name.removeprefix('@').replace('/', '-')}-{version}.tgz"


def platform_package(npm_name: str, platform: PlatformName) -> str:
    """Name of a crate's package for one platform in npm: what the loader that `napi build` writes asks for."""
    return f"{npm_name}-{'wasm32-wasi' if platform == 'wasm32' else platform}"


def tarball_names(
    crate: Crate, npm_name: str, platforms: tuple[PlatformName, ...], layout: Layout
) -> dict[str, PlatformName | None]:
    """Name every tarball of a crate in a layout: the root package's first, then each platform's, with the platform.

    A library has none. A wasm-bindgen crate has one in any layout, for it is one package that runs everywhere.
    """
    if crate.kind == "lib":
        return {}
    split = platforms if layout == "split" and crate.kind != "wasm" else ()
    names: dict[str, PlatformName | None] = {tarball_name(npm_name, crate.version): None}
    return names | {tarball_name(platform_package(npm_name, each), crate.version): each for each in split}


def sbom_name(crate: str) -> str:
    """Where the list of a crate's parts lies below the output directory."""
    return f"sbom/{crate}.cdx.json"


def log_name(crate: str) -> str:
    """Where a crate's log lies below the output directory."""
    return f"logs/{crate}.log"


def github_asset_name(name: str) -> str:
    """What GitHub makes of an asset's name: unusual characters and runs of dots become one dot, outer dots go."""
    return re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._+-]", ".", name)).strip(".")
