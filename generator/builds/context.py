"""What the builder is given for each crate, and what all of them share."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from generator.builds.environment import BuildEnvironment
from generator.builds.observer import Observer
from generator.builds.tool_cache import ToolCache
from generator.files.directory import Directory
from generator.manifest.models import Crate
from generator.manifest.settings import Settings
from generator.redaction import Redactor
from generator.sources.collect import SourceLocations


@dataclass(frozen=True)
class BuildContext:
    """What all crates of a run share.

    `site` is where sandboxes come from. `environment` holds the variables that crates may name, `redactor` knows
    those that no output may show. `out` receives packages and logs; `scratch` is deleted after the run, `receipts` is
    kept. `keep_failed` leaves the sandbox of a failed crate for somebody to look inside.
    """

    environment: BuildEnvironment
    tool_cache: ToolCache
    sources: SourceLocations
    variables: Mapping[str, str]
    redactor: Redactor
    out: Directory
    scratch: Path
    cache: Path
    stop: threading.Event
    observer: Observer
    keep_failed: bool = False


@dataclass(frozen=True)
class CrateBuild:
    """One crate with everything that holds for it."""

    crate: Crate
    settings: Settings
    context: BuildContext
