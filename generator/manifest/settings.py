"""What holds for one crate after its own settings have replaced the fleet's, and for a fleet after options have."""

from __future__ import annotations

from generator.manifest.models import Crate, Fleet, Manifest
from generator.manifest.values import EnvName, FetchHosts, Glibc, Layout, Minutes, NpmName, Size
from generator.platforms import PLATFORM_NAMES, VALID_FOR, PlatformName
from generator.strict import Strict


class Settings(Strict):
    """What holds for one crate after its own settings have replaced the fleet's."""

    npm_name: NpmName
    platforms: tuple[PlatformName, ...]
    not_for_kind: tuple[PlatformName, ...]
    layout: Layout
    size: Size
    timeout_minutes: Minutes
    retries: int
    tests: bool
    coverage: bool
    foreign_tests: bool
    glibc: Glibc
    required: tuple[PlatformName, ...]
    env: tuple[EnvName, ...]
    fetch_hosts: FetchHosts


def with_layout(manifest: Manifest, layout: Layout | None) -> Manifest:
    """Return the manifest with another layout of packages; None leaves its own."""
    if layout is None:
        return manifest
    return manifest.model_copy(update={"fleet": manifest.fleet.model_copy(update={"layout": layout})})


def npm_name(fleet: Fleet, crate: Crate) -> str:
    """The crate's npm name; not yet checked to be a valid one when it is derived."""
    return crate.npm_name or f"{fleet.npm_scope}/{crate.name}"


def settings(fleet: Fleet, crate: Crate) -> Settings:
    """Merge the fleet's settings with the crate's; platforms come in the order of `PLATFORM_NAMES`."""
    wanted = crate.platforms or fleet.platforms
    valid = VALID_FOR[crate.kind]
    required = fleet.required if crate.required is None else crate.required
    return Settings(
        npm_name=npm_name(fleet, crate),
        platforms=tuple(name for name in PLATFORM_NAMES if name in wanted and name in valid),
        not_for_kind=tuple(name for name in PLATFORM_NAMES if name in wanted and name not in valid),
        layout=fleet.layout,
        size=crate.size or fleet.size,
        timeout_minutes=fleet.timeout_minutes if crate.timeout_minutes is None else crate.timeout_minutes,
        retries=fleet.retries if crate.retries is None else crate.retries,
        tests=fleet.tests if crate.tests is None else crate.tests,
        coverage=fleet.coverage if crate.coverage is None else crate.coverage,
        foreign_tests=fleet.foreign_tests if crate.foreign_tests is None else crate.foreign_tests,
        glibc=fleet.glibc if crate.glibc is None else crate.glibc,
        required=tuple(name for name in PLATFORM_NAMES if name in required and name in wanted and name in valid),
        env=fleet.env if crate.env is None else crate.env,
        fetch_hosts=fleet.fetch_hosts if crate.fetch_hosts is None else crate.fetch_hosts,
    )


def passed_names(manifest: Manifest) -> frozenset[str]:
    """Return every variable that some crate of the fleet may see."""
    return frozenset(manifest.fleet.env).union(*(crate.env or () for crate in manifest.crates))
