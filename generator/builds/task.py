"""What the builder is given for each crate, and whom it tells what happens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from generator.manifest.models import Crate, Settings
from generator.platforms import PlatformName
from generator.reports.models import CrateReport, PhaseName
from generator.sandboxes.sandbox import Backend
from generator.sources.collect import Places


class Observer(Protocol):
    """Whoever shows the run to a person; called from many threads at once."""

    def line(self, crate: str, text: str) -> None:
        """Take one line of a crate's output, without control characters."""

    def phase(self, crate: str, phase: PhaseName) -> None:
        """Take note that a crate entered a phase."""

    def finished(self, report: CrateReport) -> None:
        """Take note of what became of a crate."""


@dataclass(frozen=True)
class Workshop:
    """What all crates of a run share.

    `missing` says why this machine cannot build a platform, or None. `environment` holds the variables that crates
    may name. `fingerprint` names the toolchain. `out` receives packages, logs and receipts; `scratch` is deleted.
    """

    backend: Backend
    host: PlatformName
    missing: Callable[[PlatformName], str | None]
    fingerprint: str
    places: Places
    environment: Mapping[str, str]
    out: Path
    scratch: Path
    stop: threading.Event
    observer: Observer


@dataclass(frozen=True)
class Task:
    """One crate with everything that holds for it."""

    crate: Crate
    settings: Settings
    workshop: Workshop
