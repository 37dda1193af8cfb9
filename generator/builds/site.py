"""Where crates are built: a backend, what its sandboxes can do, and what they cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from generator.audit.rules import Oldest
from generator.manifest.models import Size
from generator.platforms import PlatformName
from generator.reports.costs import Prices
from generator.sandboxes.sandbox import Backend, Resources


@dataclass(frozen=True)
class Site:
    """A backend and what is known of its sandboxes.

    They run packages of platform `host`; `missing` says why they cannot build for another, or None. `fingerprint`
    names their toolchain: what was built by one is not taken for what was built by another. `isolated` says whether
    crates are kept from everything else, `run` what `reap` calls this run, `prices` what sandboxes cost, None for
    nothing, and `oldest` the oldest systems that what is built there runs on.
    """

    backend: Backend
    sizes: Mapping[Size, Resources]
    host: PlatformName
    missing: Callable[[PlatformName], str | None]
    fingerprint: str
    isolated: bool
    run: str | None = None
    prices: Prices | None = None
    oldest: Oldest = field(default_factory=Oldest)
