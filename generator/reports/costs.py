"""What sandboxes cost, and whether they were the right size: pure functions of what they used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from generator.files.package_data import package_data
from generator.manifest.values import Size
from generator.reports.models import Currency, Date, Failure, SandboxUse
from generator.sandboxes.contract import Resources, Usage
from generator.strict import Sentence, Strict

# A crate whose sandbox never used more than this share of the next smaller one's memory would fit into that.
ROOMY: Final = 0.7
# A peak beyond this share of the memory leaves no room for a new dependency.
TIGHT: Final = 0.9


class Prices(Strict):
    """What the service bills for a running sandbox, by what it is given and not by what it uses.

    `source` is the page that said so on `date`; prices are for one processor and one GiB of memory in one second.
    """

    source: Sentence
    date: Date
    currency: Currency
    cpu_second: float
    gib_second: float

    def cost(self, usage: Usage) -> float:
        """Return the price of a sandbox's life."""
        given = usage.resources
        return round(usage.seconds * (given.cpus * self.cpu_second + given.memory_mib / 1024 * self.gib_second), 6)


def load_prices() -> Prices:
    """Return the prices that come with this version."""
    return Prices.model_validate_json((package_data("e2b") / "prices.json").read_bytes())


def sandbox_use(usage: Usage, attempt: int, failure: Failure | None, prices: Prices | None) -> SandboxUse:
    """Return the report's words for what a sandbox used in an attempt."""
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
    """Say which size would do, where a crate's last sandbox was far too large or nearly too small; else None."""
    peak = usages[-1].peak_memory if usages else None
    if not peak:
        return None
    given = usages[-1].resources
    ordered = sorted(sizes.values(), key=lambda each: each.memory_mib)
    smaller = [each for each in ordered if each.memory_mib < given.memory_mib and peak < ROOMY * _bytes(each)]
    used = f"its peak was {peak >> 20} of {given.memory_mib} MiB"
    if smaller:
        return f"size {smaller[0].size} would do: {used}"
    larger = next((each for each in ordered if each.memory_mib > given.memory_mib), None)
    if peak > TIGHT * _bytes(given) and larger:
        return f"size {larger.size} would be safer: {used}"
    return None


def _bytes(resources: Resources) -> int:
    return resources.memory_mib << 20
