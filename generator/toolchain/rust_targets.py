"""Which of Rust's standard libraries this machine has to get before it builds crates."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from generator.backends.local import local_host
from generator.manifest.models import Manifest
from generator.manifest.settings import settings
from generator.platforms import Kind, PlatformName
from generator.toolchain.host import find_host_toolchain
from generator.toolchain.toolchain import Toolchain, missing_linker, missing_target


def missing_targets(manifest: Manifest, names: Collection[str], toolchain: Toolchain) -> list[str]:
    """Return the Rust targets, sorted, that are all that a machine lacks for a platform of one of these crates."""
    units = ((kind, each) for kind, each in _units(manifest, names) if not missing_linker(each, toolchain))
    return sorted({target for kind, each in units if (target := missing_target(kind, each, toolchain))})


def unlinked_platforms(manifest: Manifest, names: Collection[str], toolchain: Toolchain) -> list[PlatformName]:
    """Return the platforms of these crates, sorted, that nothing on a machine links for."""
    return sorted({each for _, each in _units(manifest, names) if missing_linker(each, toolchain)})


def _units(manifest: Manifest, names: Collection[str]) -> Iterator[tuple[Kind, PlatformName]]:
    for crate in (each for each in manifest.crates if each.name in names):
        yield from ((crate.kind, platform) for platform in settings(manifest.fleet, crate).platforms)


def local_toolchain(environment: Mapping[str, str]) -> Toolchain:
    """Look at what this machine builds with; InputError for what no build can do without."""
    return find_host_toolchain(environment).toolchain(local_host())
