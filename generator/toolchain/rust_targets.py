"""Rust targets and libraries that a machine has to install before it builds crates."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from generator.manifest.models import Manifest
from generator.manifest.settings import settings
from generator.platforms import PLATFORMS, Kind, PlatformName
from generator.toolchain.toolchain import XWIN_ARCHITECTURES, Toolchain, missing_linker, missing_target


def missing_targets(manifest: Manifest, names: Collection[str], toolchain: Toolchain) -> list[str]:
    """Return the missing Rust targets of these crates, sorted, for platforms that the machine has a linker for."""
    units = (unit for unit in _units(manifest, names) if not missing_linker(unit[1], toolchain))
    return sorted({target for kind, platform in units if (target := missing_target(kind, platform, toolchain))})


def xwin_architectures(manifest: Manifest, names: Collection[str]) -> list[str]:
    """Return cargo-xwin's names of the processors that these crates need Microsoft's libraries for, sorted.

    None without `fleet.accept_microsoft_licence`: only the user can accept the licence.
    """
    platforms = {PLATFORMS[platform] for _, platform in _units(manifest, names)}
    needed = {XWIN_ARCHITECTURES[each.cpu] for each in platforms if each.os == "win32"}
    return sorted(needed) if manifest.fleet.accept_microsoft_licence else []


def unlinked_platforms(manifest: Manifest, names: Collection[str], toolchain: Toolchain) -> list[PlatformName]:
    """Return the platforms of these crates, sorted, that the machine has no linker for."""
    platforms = {platform for _, platform in _units(manifest, names)}
    return sorted(platform for platform in platforms if missing_linker(platform, toolchain))


def _units(manifest: Manifest, names: Collection[str]) -> Iterator[tuple[Kind, PlatformName]]:
    for crate in (crate for crate in manifest.crates if crate.name in names):
        yield from ((crate.kind, platform) for platform in settings(manifest.fleet, crate).platforms)
