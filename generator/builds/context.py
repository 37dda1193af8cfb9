"""The values that all crates of a run share, and those of one crate."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from generator.builds import inputs
from generator.builds.earlier import EarlierBuild
from generator.builds.environment import BuildEnvironment
from generator.builds.observer import Observer
from generator.builds.spending import SpendingLimit
from generator.builds.tool_cache import ToolCache
from generator.cargo.channels import RequestedChannel
from generator.files.directory import Directory
from generator.manifest.crate_models import Crate
from generator.manifest.settings import Settings
from generator.manifest.values import Size
from generator.planning.costs import likely_minutes
from generator.platforms import PlatformName
from generator.redaction import Redactor
from generator.reports.index import FleetIndex
from generator.sources.collect import SourceLocations
from generator.text import message_text
from generator.toolchain.toolchain import Toolchain


@dataclass(frozen=True)
class BuildContext:
    """The values that all crates of a run share.

    `variables` are the user's environment variables, and `redactor` removes the secrets among them from all output.
    `out` receives packages and logs. `scratch` is deleted after the run; `cache` is kept. With `keep_failed` the
    sandbox of a failed crate stays open for inspection. `offline` is set when a crate has failed because no connection
    could be made: no other crate is retried for that, until one gets on. `previous` is the index of a release whose
    packages are as good as built, and `earlier` has the crates that earlier runs built. `started` is the time of the
    run's start by the monotonic clock. `minutes` are predicted for each crate, and `sizes` are those of its sandbox.
    `spending` limits the costs of all crates together.
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
    started: float
    minutes: Mapping[str, float]
    sizes: Mapping[str, Size]
    keep_failed: bool = False
    previous: FleetIndex | None = None
    earlier: Mapping[str, EarlierBuild] = field(default_factory=dict)
    offline: threading.Event = field(default_factory=threading.Event)
    spending: SpendingLimit = field(default_factory=SpendingLimit)


@dataclass(frozen=True)
class CrateBuild:
    """One crate to build, with its settings and the context of the run."""

    crate: Crate
    settings: Settings
    context: BuildContext

    @property
    def size(self) -> Size:
        """The size of the first sandbox: the chosen one, or that of the manifest."""
        return self.context.sizes.get(self.crate.name, self.settings.first_size)

    def toolchain(self, channel: RequestedChannel | None) -> tuple[Toolchain, tuple[str, ...]]:
        """Return the toolchain with the Rust that a source asks for, or the default one and a note that says so."""
        default = self.context.environment.toolchain
        if channel is None:
            return default, ()
        if (chosen := default.with_channel(channel.name)) is not None:
            return chosen, ()
        used = f"Rust {default.rust_version}" if default.rust_version else "the Rust of the sandboxes"
        name = message_text(channel.name)
        asks = f"{message_text(channel.file)} asks for Rust {name}, which is not installed, so {used} is used"
        return default, (f"{asks}: run `rustup toolchain install {name}` on the machine that builds",)

    def likely_cost(self, size: Size | None = None) -> float:
        """Return the likely cost of an attempt, in a sandbox of the crate's size or another one."""
        environment = self.context.environment
        seconds = 60 * likely_minutes(self.context.minutes[self.crate.name], self.settings)
        return environment.cost(environment.sizes[size or self.size], seconds)

    def unmet_needs(self) -> dict[PlatformName, str]:
        """Return the crate's platforms that the toolchain cannot build for, each with the reason."""
        return inputs.unmet_needs(self.crate, self.settings, self.context.environment.toolchain)
