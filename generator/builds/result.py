"""What one attempt at a crate is, and what it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from generator.platforms import PlatformName
from generator.reports.models import Artifact, Coverage, Failure, Phase, Unit
from generator.sandboxes.contract import Resources, Usage


@dataclass
class AttemptResult:
    """What one attempt did so far."""

    phases: list[Phase] = field(default_factory=list)
    units: dict[PlatformName, Unit] = field(default_factory=dict)
    tests: str = "not_run"
    coverage: Coverage | None = None
    notes: tuple[str, ...] = ()
    packages: tuple[Artifact, ...] = ()
    sbom: Artifact | None = None
    loaded: str | None = None
    failure: Failure | None = None
    stopped: bool = False
    sandbox_usages: list[Usage] = field(default_factory=list)

    def add(self, phase: Phase) -> None:
        """Take note of a step; steps of one phase that follow each other are told as one."""
        if self.phases and self.phases[-1].name == phase.name and phase.name != "compile":
            last = self.phases.pop()
            seconds, peak = last.seconds + phase.seconds, max(last.peak_memory, phase.peak_memory)
            phase = phase.model_copy(update={"seconds": round(seconds, 3), "peak_memory": peak})
        self.phases.append(phase)


@dataclass(frozen=True)
class Attempt:
    """Which attempt it is, in what sandbox; `keep` says whether a failure leaves the sandbox for somebody to see."""

    number: int
    resources: Resources
    keeps_sandbox: Callable[[AttemptResult], bool]
