"""Rust targets that a machine has to install before it builds crates."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from generator.manifest.models import Manifest
from generator.manifest.settings import settings
from generator.platforms import Kind, PlatformName
from generator.toolchain.toolchain import Toolchain, missing_linker, missing_target


def missing_targets(manifest: Manifest, names: Collection[str], toolchain: Toolchain) -> list[str]:
    """Return the missing Rust targets of these crates, sorted, for platforms that the machine has a linker for."""
    units = (unit for unit in _units(manifest, names) if not missing_linker(unit[1], toolchain))
    return sorted({target for kind, platform in units if (target := missing_target(kind, platform, toolchain))})


def unlinked_platforms(manifest: Manifest, names: Collection[str], toolchain: Toolchain) -> list[PlatformName]:
    """Return the platforms of these crates, sorted, that the machine has no linker for."""
    platforms = {platform for _, platform in _units(manifest, names)}
    return sorted(platform for platform in platforms if missing_linker(platform, toolchain))


def _units(manifest: Manifest, names: Collection[str]) -> Iterator[tuple[Kind, PlatformName]]:
    for crate in (crate for crate in manifest.crates if crate.name in names):
        yield from ((crate.kind, platform) for platform in settings(manifest.fleet, crate).platforms)
