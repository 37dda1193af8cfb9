"""The state of a running build, as pure functions of its lines and times. All times are in seconds."""

from __future__ import annotations

import heapq
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Final

from generator.reports.models import PhaseName
from generator.text import counted

# Cargo prints one of these lines for each package: https://doc.rust-lang.org/cargo/
_PACKAGE: Final = re.compile(r"\s*(?:Compiling|Checking) (\S{1,60}) v\d\S*(?: |$)")
_PLATFORM: Final = re.compile(r"note: compiling for ([a-z0-9-]+)$")


@dataclass(frozen=True)
class CrateStatus:
    """A crate in a sandbox: the time at which it began, its phase, and the packages that Cargo has begun."""

    started: float
    phase: PhaseName
    platform: str = ""
    packages: int = 0
    package: str = ""

    @property
    def details(self) -> str:
        """Cargo's count with its last package, and the platform, as far as the output has them."""
        count = f"{counted(self.packages, 'package')}, {self.package}" if self.packages else ""
        return " ".join(filter(None, (count, self.platform and f"for {self.platform}")))


def entered(status: CrateStatus | None, phase: PhaseName, now: float) -> CrateStatus:
    """Return the status of a crate that enters a phase; it may enter one phase several times."""
    if status is None:
        return CrateStatus(now, phase)
    return status if phase == status.phase else CrateStatus(status.started, phase)


def after_line(status: CrateStatus, line: str) -> CrateStatus:
    """Return the status of a crate after a line of its log."""
    if found := _PACKAGE.match(line):
        return replace(status, packages=status.packages + 1, package=found[1])
    if found := _PLATFORM.match(line):
        return replace(status, platform=found[1], packages=0, package="")
    return status


def seconds_left(waiting: Iterable[float], running: Collection[float], jobs: int) -> float:
    """Return the time until all crates are done.

    `running` are the times that running crates still need. Each of `waiting`, in this order, takes the first free slot.
    """
    slots = [*running, *[0.0] * (jobs - len(running))]
    heapq.heapify(slots)
    for seconds in waiting:
        heapq.heapreplace(slots, slots[0] + seconds)
    return max(slots, default=0.0)
