"""Which of Rust's standard libraries this machine has to get before it builds crates."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from generator.builds.local_site import local_host
from generator.equipment import Equipment, absent_linker, absent_target
from generator.manifest.models import Manifest
from generator.manifest.settings import settings
from generator.sandboxes.toolchain import find_toolchain


def absent_targets(manifest: Manifest, names: Collection[str], equipment: Equipment) -> list[str]:
    """Return the Rust targets, sorted, that are all that a machine lacks for a platform of one of these crates."""
    wanted = ((crate, settings(manifest.fleet, crate)) for crate in manifest.crates if crate.name in names)
    units = ((crate.kind, each) for crate, its in wanted for each in its.platforms)
    found = (absent_target(kind, each, equipment) for kind, each in units if not absent_linker(each, equipment))
    return sorted({target for target in found if target})


def local_equipment(environment: Mapping[str, str]) -> Equipment:
    """Look at what this machine builds with; InputError for what no build can do without."""
    return find_toolchain(environment).equipment(local_host())
