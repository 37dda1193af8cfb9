"""Names of packages, release assets and files in the output directory."""

from __future__ import annotations

import re

from generator.manifest.crate_models import Crate
from generator.manifest.settings import Settings
from generator.manifest.values import Layout
from generator.platforms import PlatformName


def tarball_name(npm_name: str, version: str) -> str:
    """Return the name that `npm pack` gives a tarball: scope-name-1.2.3.tgz for `@scope/name` 1.2.3."""
    return f"{npm_name.removeprefix('@').replace('/', '-')}-{version}.tgz"


def platform_package(name: str, platform: PlatformName) -> str:
    """Return the npm name of a package for one platform, as the loader of `napi build` requires it.

    `name` is that of the crate's platform packages without the platform.
    """
    return f"{name}-{'wasm32-wasi' if platform == 'wasm32' else platform}"


def tarball_names(
    crate: Crate, own: Settings, platforms: tuple[PlatformName, ...], layout: Layout
) -> dict[str, PlatformName | None]:
    """Return the tarballs of a crate: the root package, then one for each platform in the split layout.

    A library has none. A wasm-bindgen crate has one in both layouts, because its package runs everywhere.
    """
    if crate.kind == "lib":
        return {}
    split = platforms if layout == "split" and crate.kind != "wasm" else ()
    names: dict[str, PlatformName | None] = {tarball_name(own.npm_name, crate.version): None}
    return names | {tarball_name(platform_package(own.platform_packages, each), crate.version): each for each in split}


def sbom_name(crate: str) -> str:
    """Return the path of a crate's SBOM in the output directory."""
    return f"sbom/{crate}.cdx.json"


def log_name(crate: str) -> str:
    """Return the path of a crate's log in the output directory."""
    return f"logs/{crate}.log"


def github_asset_name(name: str) -> str:
    """Return the name that GitHub gives an asset.

    Special characters and runs of dots become one dot; dots at both ends are removed.
    """
    return re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._+-]", ".", name)).strip(".")
