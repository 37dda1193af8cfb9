"""Costs of sandboxes and hints for their size, as pure functions of their usage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from generator.manifest.values import Size
from generator.planning.sizes import fits
from generator.prices import SandboxPrices
from generator.reports.models import Failure, SandboxUse
from generator.sandboxes.contract import Resources, Usage

# A peak above this share of the memory is too high for another dependency.
TIGHT_SHARE: Final = 0.9


def sandbox_use(usage: Usage, attempt: int, failure: Failure | None, prices: SandboxPrices | None) -> SandboxUse:
    """Return the report's entry for a sandbox of one attempt."""
    size = usage.resources
    return SandboxUse(
        sandbox=usage.sandbox,
        attempt=attempt,
        size=size.size,
        cpus=size.cpus,
        memory_mib=size.memory_mib,
        seconds=usage.seconds,
        cost=prices.cost(size.cpus, size.memory_mib, usage.seconds) if prices else None,
        peak_cpus=usage.peak_cpus,
        peak_memory=usage.peak_memory,
        peak_disk=usage.peak_disk,
        failure_class=failure.failure_class if failure else None,
        failure=failure.message if failure else None,
    )


def size_hint(usages: tuple[Usage, ...], sizes: Mapping[Size, Resources]) -> str | None:
    """Return a hint when the last sandbox was far too large or nearly too small, or None."""
    peak = usages[-1].peak_memory if usages else None
    if not peak:
        return None
    size = usages[-1].resources
    ordered = sorted(sizes.values(), key=lambda each: each.memory_mib)
    smaller = [each for each in ordered if each.memory_mib < size.memory_mib and fits(peak, each.memory_mib)]
    used = f"its peak was {peak >> 20} of {size.memory_mib} MiB"
    if smaller:
        return f"size {smaller[0].size} would do: {used}"
    larger = next((each for each in ordered if each.memory_mib > size.memory_mib), None)
    if peak > TIGHT_SHARE * _bytes(size) and larger:
        return f"size {larger.size} would be safer: {used}"
    return None


def _bytes(resources: Resources) -> int:
    return resources.memory_mib << 20
