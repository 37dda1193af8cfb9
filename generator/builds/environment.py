"""Where crates are built: a backend, what its sandboxes can do, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from generator.audit.rules import MinimumVersions
from generator.manifest.values import Size
from generator.reports.costs import Prices
from generator.sandboxes.contract import Backend, Resources
from generator.toolchain.toolchain import Toolchain


@dataclass(frozen=True)
class BuildEnvironment:
    """A backend and what is known of its sandboxes.

    `toolchain` is what they build with. `fingerprint` names their toolchain: what was built by one is not taken for
    what was built by another. `isolated` says whether crates are kept from everything else, `run` what `reap` calls
    this run, `prices` what sandboxes cost, None for nothing, and `oldest` the oldest systems that what the host's own
    compiler makes there runs on. `has_zig_libraries` says that a new sandbox has what zig links with.
    """

    backend: Backend
    sizes: Mapping[Size, Resources]
    toolchain: Toolchain
    fingerprint: str
    isolated: bool
    run: str | None = None
    prices: Prices | None = None
    minimum_versions: MinimumVersions = field(default_factory=MinimumVersions)
    has_zig_libraries: bool = False

    @property
    def tool_cache_key(self) -> str:
        """Name where programs that are built here run and what could reach them: sites of one home may differ in it."""
        return f"{self.toolchain.host}, {self.minimum_versions}, {self.fingerprint}, {self.isolated}"
