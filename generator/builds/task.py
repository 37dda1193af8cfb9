"""What the builder is given for each crate, and what all of them share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from generator.builds.observer import Observer
from generator.builds.tools import ToolShelf
from generator.manifest.models import Crate, Settings
from generator.platforms import PlatformName
from generator.sandboxes.sandbox import Backend
from generator.sources.collect import Places


@dataclass(frozen=True)
class Workshop:
    """What all crates of a run share.

    `missing` says why this machine cannot build a platform, or None. `environment` holds the variables that crates
    may name. `fingerprint` names the toolchain. `out` receives packages and logs; `scratch` is deleted after the run,
    `receipts` is kept.
    """

    backend: Backend
    tools: ToolShelf
    host: PlatformName
    missing: Callable[[PlatformName], str | None]
    fingerprint: str
    places: Places
    environment: Mapping[str, str]
    out: Path
    scratch: Path
    receipts: Path
    stop: threading.Event
    observer: Observer


@dataclass(frozen=True)
class Task:
    """One crate with everything that holds for it."""

    crate: Crate
    settings: Settings
    workshop: Workshop
