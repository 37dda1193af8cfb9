"""The inputs of a crate's build: everything that decides the result. The cache key is the digest of all of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass
from typing import Final

from generator import __version__
from generator.builds.environment import Conditions
from generator.manifest.crate_models import Crate
from generator.manifest.settings import Settings, build_input
from generator.platforms import PlatformName
from generator.sources.collect import CollectedSource
from generator.toolchain.toolchain import Toolchain, unmet_need

VALUES: Final = "values of env"
"""Name of the input that may be secret."""
_SHORT: Final = 16


@dataclass(frozen=True)
class BuildInputs:
    """The inputs by name, ready for JSON. `has_secrets` is True if a variable of `env` has a value."""

    values: Mapping[str, object]
    has_secrets: bool

    @property
    def key(self) -> str:
        """The cache key: the digest of all inputs."""
        return _digest(self.values)

    @property
    def shown_key(self) -> str | None:
        """The key for the report, or None if it depends on a variable's value: a short secret could be guessed.

        The report is public, and so are all other inputs.
        """
        return None if self.has_secrets else self.key

    @property
    def digests(self) -> dict[str, str]:
        """A short digest of each input for the report, without that of a variable's value."""
        return {name: _digest(value)[:_SHORT] for name, value in self.values.items() if name not in self.secret}

    @property
    def secret(self) -> tuple[str, ...]:
        """Names of the inputs without a digest."""
        return (VALUES,) if self.has_secrets else ()


def build_inputs(
    crate: Crate,
    settings: Settings,
    conditions: Conditions,
    variables: Mapping[str, str],
    platforms: tuple[PlatformName, ...],
    source: CollectedSource,
) -> BuildInputs:
    """Return the inputs of a build for these platforms."""
    toolchain = conditions.toolchain
    if source.channel:
        toolchain = toolchain.with_channel(source.channel.name) or toolchain
    values: dict[str, object] = {
        "version of cratematrix": __version__,
        "backend": conditions.backend,
        "toolchain": [conditions.fingerprint, toolchain.rust_version],
        "isolation": conditions.isolated,
        "minimum versions": astuple(conditions.minimum_versions),
        "runtimes": {platform: asdict(runtime) for platform, runtime in toolchain.runtimes.items()},
        "coverage tools": settings.coverage and toolchain.no_coverage,
        "available platforms": list(platforms),
        "sources": [source.digest, source.directory],
        "lock files": source.lock_digest,
        VALUES: {name: variables.get(name) for name in settings.env},
    }
    values |= {f"setting {key}": value for key, value in build_input(crate, settings).items()}
    return BuildInputs(values, any(variables.get(name) for name in settings.env))


def unmet_needs(crate: Crate, settings: Settings, toolchain: Toolchain) -> dict[PlatformName, str]:
    """Return the crate's platforms that a toolchain cannot build for, each with the reason."""
    needs = {name: unmet_need(crate.kind, name, toolchain) for name in settings.platforms}
    return {name: reason for name, reason in needs.items() if reason}


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
