"""Which of Rust's standard libraries this machine has to get before it builds crates."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from generator.builds.local_site import local_host
from generator.equipment import Equipment, absent_linker, absent_target
from generator.manifest.models import Manifest
from generator.manifest.settings import settings
from generator.platforms import Kind, PlatformName
from generator.sandboxes.toolchain import find_toolchain


def absent_targets(manifest: Manifest, names: Collection[str], equipment: Equipment) -> list[str]:
    """Return the Rust targets, sorted, that are all that a machine lacks for a platform of one of these crates."""
    units = ((kind, each) for kind, each in _units(manifest, names) if not absent_linker(each, equipment))
    return sorted({target for kind, each in units if (target := absent_target(kind, each, equipment))})


def unlinked_platforms(manifest: Manifest, names: Collection[str], equipment: Equipment) -> list[PlatformName]:
    """Return the platforms of these crates, sorted, that nothing on a machine links for."""
    return sorted({each for _, each in _units(manifest, names) if absent_linker(each, equipment)})


def _units(manifest: Manifest, names: Collection[str]) -> Iterator[tuple[Kind, PlatformName]]:
    for crate in (each for each in manifest.crates if each.name in names):
        yield from ((crate.kind, platform) for platform in settings(manifest.fleet, crate).platforms)


def local_equipment(environment: Mapping[str, str]) -> Equipment:
    """Look at what this machine builds with; InputError for what no build can do without."""
    return find_toolchain(environment).equipment(local_host())
