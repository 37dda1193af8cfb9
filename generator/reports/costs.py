"""Costs of sandboxes and hints for their size, as pure functions of their usage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from generator.files.package_data import package_data
from generator.manifest.values import Date, Size
from generator.reports.models import Currency, Failure, SandboxUse
from generator.sandboxes.contract import Resources, Usage
from generator.strict import Sentence, Strict

# A crate fits into the next smaller size when its peak is below this share of that size's memory.
FITS_SHARE: Final = 0.7
# A peak above this share of the memory is too high for another dependency.
TIGHT_SHARE: Final = 0.9


class Prices(Strict):
    """Prices of a running sandbox, by its size and not by its usage.

    `source` is the page with these prices on `date`. They are for one processor and one GiB of memory per second.
    """

    source: Sentence
    date: Date
    currency: Currency
    cpu_second: float
    gib_second: float

    def cost(self, usage: Usage) -> float:
        """Return the cost of a sandbox in the currency of the prices."""
        size = usage.resources
        return round(usage.seconds * (size.cpus * self.cpu_second + size.memory_mib / 1024 * self.gib_second), 6)


def load_prices() -> Prices:
    """Return the prices in the data files of this version."""
    return Prices.model_validate_json((package_data("e2b") / "prices.json").read_bytes())


def sandbox_use(usage: Usage, attempt: int, failure: Failure | None, prices: Prices | None) -> SandboxUse:
    """Return the report's entry for a sandbox of one attempt."""
    return SandboxUse(
        sandbox=usage.sandbox,
        attempt=attempt,
        size=usage.resources.size,
        cpus=usage.resources.cpus,
        memory_mib=usage.resources.memory_mib,
        seconds=usage.seconds,
        cost=prices.cost(usage) if prices else None,
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
    smaller = [each for each in ordered if each.memory_mib < size.memory_mib and peak < FITS_SHARE * _bytes(each)]
    used = f"its peak was {peak >> 20} of {size.memory_mib} MiB"
    if smaller:
        return f"size {smaller[0].size} would do: {used}"
    larger = next((each for each in ordered if each.memory_mib > size.memory_mib), None)
    if peak > TIGHT_SHARE * _bytes(size) and larger:
        return f"size {larger.size} would be safer: {used}"
    return None


def _bytes(resources: Resources) -> int:
    return resources.memory_mib << 20
