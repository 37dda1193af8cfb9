"""The size of each crate's sandbox: the manifest's, or for `auto` the smallest one that the measured memory fits.

Pure functions of the manifest and of measurements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from generator.manifest.models import Manifest
from generator.manifest.values import DEFAULT_SIZE, SIZES, BackendName, Size, SizeSetting
from generator.planning.measurements import Measurement, Memory
from generator.text import counted

FITS_SHARE: Final = 0.7
"""A crate fits a size when its peak is below this share of the memory. The rest is a margin for its next version."""

SizeMemory = Mapping[Size, int]
"""The memory of a backend's sandboxes in MiB, by size."""
NO_SIZES: Final[SizeMemory] = {}


class ChosenSize(NamedTuple):
    """The size of a crate's sandbox. `basis` says why; it is None for a size from the manifest."""

    size: Size
    basis: str | None = None


def fits(peak: int, memory_mib: int) -> bool:
    """Return True if a peak in bytes fits the memory with the margin."""
    return peak < FITS_SHARE * (memory_mib << 20)


def choose_sizes(
    manifest: Manifest, memory: Memory, backend: BackendName, available: SizeMemory
) -> dict[str, ChosenSize]:
    """Return the size of each crate by name. All crates of a batch have the largest size among them."""
    chosen = {
        crate.name: _own(crate.size or manifest.fleet.size, memory.get(crate.name, ()), backend, available)
        for crate in manifest.crates
    }
    largest: dict[str, Size] = {}
    for crate in manifest.crates:
        if crate.batch:
            largest[crate.batch] = max(largest.get(crate.batch, SIZES[0]), chosen[crate.name].size, key=SIZES.index)
    for crate in manifest.crates:
        if crate.batch and chosen[crate.name].size != largest[crate.batch]:
            chosen[crate.name] = ChosenSize(largest[crate.batch], f"the largest of batch {crate.batch}")
    return chosen


def _own(
    setting: SizeSetting, measurements: Sequence[Measurement], backend: BackendName, available: SizeMemory
) -> ChosenSize:
    if setting != "auto":
        return ChosenSize(setting)
    here = [each for each in measurements if each.backend == backend]
    peaks = [each.peak_memory for each in here or measurements if each.peak_memory]
    if not peaks or not available:
        return ChosenSize(DEFAULT_SIZE, "no measured memory")
    peak, ordered = max(peaks), [size for size in SIZES if size in available]
    basis = f"peak of {-(-peak >> 20):,} MiB in {counted(len(peaks), 'run')}{'' if here else ' elsewhere'}"
    return ChosenSize(next((size for size in ordered if fits(peak, available[size])), ordered[-1]), basis)
