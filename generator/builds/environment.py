"""The build environment: a backend, its toolchain, and the prices of its sandboxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from generator.audit.rules import MinimumVersions
from generator.manifest.values import Size
from generator.prices import SandboxPrices
from generator.sandboxes.contract import Backend, Resources
from generator.toolchain.toolchain import Toolchain


@dataclass(frozen=True)
class BuildEnvironment:
    """A backend and the properties of its sandboxes.

    `fingerprint` names the toolchain: a package built with another one is not reused. `isolated` is False where crates
    can reach the user's files. `run` is the ID for `reap`, and `prices` is None where sandboxes cost nothing.
    `minimum_versions` are those that binaries of the host's own compiler need. `has_zig_libraries` is True where a new
    sandbox has the libraries that zig compiles of its own.
    """

    backend: Backend
    sizes: Mapping[Size, Resources]
    toolchain: Toolchain
    fingerprint: str
    isolated: bool
    run: str | None = None
    prices: SandboxPrices | None = None
    minimum_versions: MinimumVersions = field(default_factory=MinimumVersions)
    has_zig_libraries: bool = False

    def cost(self, resources: Resources, seconds: float) -> float:
        """Return the cost of a sandbox; 0 where sandboxes are free."""
        return self.prices.cost(resources.cpus, resources.memory_mib, seconds) if self.prices else 0.0

    @property
    def tool_cache_key(self) -> str:
        """Key of the tool cache: environments with the same cache directory may differ in each part."""
        return f"{self.toolchain.host}, {self.minimum_versions}, {self.fingerprint}, {self.isolated}"
