"""The build environment: a backend, its toolchain, and the prices of its sandboxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from generator.audit.rules import MinimumVersions
from generator.manifest.values import BackendName, Size
from generator.prices import SandboxPrices
from generator.sandboxes.contract import Backend, Resources
from generator.toolchain.toolchain import Toolchain


@dataclass(frozen=True)
class Conditions:
    """The properties of a build environment that decide results: what other ones have built is not reused.

    `fingerprint` names the toolchain. `isolated` is False where crates can reach the user's files. `minimum_versions`
    are those that binaries of the host's own compiler need.
    """

    backend: BackendName
    toolchain: Toolchain
    fingerprint: str
    isolated: bool
    minimum_versions: MinimumVersions = field(default_factory=MinimumVersions)


@dataclass(frozen=True)
class BuildEnvironment:
    """A backend, its conditions and the other properties of its sandboxes.

    `run` is the ID for `reap`, and `prices` is None where sandboxes cost nothing. `has_zig_libraries` is True where a
    new sandbox has the libraries that zig compiles of its own. `has_volumes` is True where sandboxes share directories.
    """

    backend: Backend
    sizes: Mapping[Size, Resources]
    conditions: Conditions
    run: str | None = None
    prices: SandboxPrices | None = None
    has_zig_libraries: bool = False
    has_volumes: bool = False

    @property
    def toolchain(self) -> Toolchain:
        """The toolchain of its sandboxes."""
        return self.conditions.toolchain

    @property
    def isolated(self) -> bool:
        """False where crates can reach the user's files."""
        return self.conditions.isolated

    def cost(self, resources: Resources, seconds: float) -> float:
        """Return the cost of a sandbox; 0 where sandboxes are free."""
        return self.prices.cost(resources.cpus, resources.memory_mib, seconds) if self.prices else 0.0

    @property
    def tool_cache_key(self) -> str:
        """Key of the tool cache: environments with the same cache directory may differ in each part."""
        it = self.conditions
        return f"{it.toolchain.host}, {it.minimum_versions}, {it.fingerprint}, {it.isolated}"
