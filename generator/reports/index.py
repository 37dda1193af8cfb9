"""The fleet index, version 1: `fleet.json`, a small asset of each release. docs/fleet-index.md describes its keys."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from pydantic import Field, ValidationError

from generator.errors import InputError
from generator.manifest.crate_models import Crate
from generator.manifest.models import Manifest
from generator.manifest.values import BackendName, CrateName, Date, Version
from generator.planning.explanation import InputDigests
from generator.planning.measurements import Measurements, Remembered
from generator.platforms import PlatformName
from generator.prices import Currency
from generator.reports.models import (
    Artifact,
    CrateReport,
    Digest,
    PhaseName,
    QuarantineReport,
    Report,
    SandboxUse,
    State,
    Unit,
)
from generator.strict import Loose, Sentence, Strict
from generator.text import message_text

INDEX: Final = "fleet.json"
"""Name of the asset; that of a package ends with its version and .tgz."""
INDEX_VERSION: Final = 1
MAX_INDEX_BYTES: Final = 16 * 1024 * 1024
"""Largest index in bytes; the entry of one crate has a few thousand."""


class IndexedUnit(Strict):
    """One crate for one platform: its state with the reason, and the seconds that it took to compile."""

    platform: PlatformName
    state: State
    reason: Sentence | None = None
    seconds: float = 0.0


class IndexedCrate(Strict):
    """One crate of a release.

    `reason` explains any state but built. `quarantine` is that of the day of the release. `cache_key` is the digest
    of the input, None where it is secret or unknown, and `inputs` has one of each of its parts. `packages` has the
    root package first. `phases` are seconds.
    `sandbox` is the last one, with its size and peaks. `peak_memory` is in bytes, 0 without a measurement. `cost` is
    that of all attempts, in the currency of the index. An unchanged crate has the values of the build that made its
    packages. `measurements` are the times of its last builds, oldest first.
    """

    name: CrateName
    version: Version
    state: State
    reason: Sentence | None = None
    quarantine: QuarantineReport | None = None
    cache_key: Digest | None = None
    inputs: InputDigests | None = None
    packages: tuple[Artifact, ...] = ()
    units: tuple[IndexedUnit, ...] = ()
    phases: dict[PhaseName, float] = Field(default={})
    peak_memory: int = 0
    sandbox: SandboxUse | None = None
    cost: float = 0.0
    measurements: Measurements = ()


class FleetIndex(Strict):
    """The crates of the release of a tag, by name. `cost` of a crate is in `currency`, None where builds are free.

    `remembered` has the measurements of crates that `release prepare` left out, because they cannot be taken.
    """

    index_version: Literal[1] = INDEX_VERSION
    tag: Sentence
    commit: Sentence
    backend: BackendName
    currency: Currency | None = None
    prices_of: Date | None = None
    crates: tuple[IndexedCrate, ...]
    remembered: tuple[Remembered, ...] = ()

    @property
    def packages(self) -> dict[str, Artifact]:
        """The packages of all crates by file name."""
        return {file.file: file for crate in self.crates for file in crate.packages}

    def crate(self, name: str) -> IndexedCrate | None:
        """Return the entry of a crate, or None."""
        return next((crate for crate in self.crates if crate.name == name), None)

    @property
    def content(self) -> bytes:
        """The bytes of the file."""
        return f"{self.model_dump_json(indent=1, exclude_none=True)}\n".encode()


class _Versioned(Loose):
    index_version: int


def fleet_index(manifest: Manifest, report: Report, tag: str, commit: str) -> FleetIndex:
    """Return the index of a release: each crate of the manifest, as the report has it."""
    reports = {crate.name: crate for crate in report.crates}
    crates = sorted(manifest.crates, key=lambda crate: crate.name)
    return FleetIndex(
        tag=tag,
        commit=commit,
        backend=report.backend,
        currency=report.currency,
        prices_of=report.prices_of,
        crates=tuple(_indexed(crate, reports.get(crate.name)) for crate in crates),
    )


def read_index(content: bytes, origin: str) -> FleetIndex:
    """Return the index in a file; `origin` names it in an InputError for another version, or no index at all."""
    if len(content) > MAX_INDEX_BYTES:
        raise InputError(f"{origin} is larger than {MAX_INDEX_BYTES >> 20} MiB, so it is no fleet index")
    try:
        if (version := _Versioned.model_validate_json(content).index_version) != INDEX_VERSION:
            raise InputError(f"{origin} has version {version}, and this version of cratematrix reads {INDEX_VERSION}")
        return FleetIndex.model_validate_json(content, extra="ignore")
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        problem = message_text(f"{key}: {first['msg']}")
        raise InputError(f"{origin} is not a fleet index: {problem}") from None


def load_index(path: Path) -> FleetIndex:
    """Return the index in a file on the disk; InputError when it is none, or cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_INDEX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    return read_index(content, str(path))


def _indexed(crate: Crate, report: CrateReport | None) -> IndexedCrate:
    if report is None:
        return IndexedCrate(name=crate.name, version=crate.version, state="not_run", reason="no report has this crate")
    phases: dict[PhaseName, float] = {}
    for phase in report.phases:
        phases[phase.name] = round(phases.get(phase.name, 0.0) + phase.seconds, 3)
    last = report.sandboxes[-1] if report.sandboxes else None
    return IndexedCrate(
        name=report.name,
        version=report.version,
        state=report.state,
        reason=_reason(report),
        quarantine=report.quarantine,
        cache_key=report.cache_key,
        inputs=report.inputs,
        packages=report.packages if report.state == "built" else (),
        units=tuple(map(_indexed_unit, report.units)),
        phases=phases,
        peak_memory=report.peak_memory,
        sandbox=last and last.model_copy(update={"failure": None, "failure_class": None}),
        cost=report.cost,
        measurements=report.measurements,
    )


def _indexed_unit(unit: Unit) -> IndexedUnit:
    return IndexedUnit(platform=unit.platform, state=unit.state, reason=unit.reason, seconds=unit.seconds)


def _reason(report: CrateReport) -> str | None:
    """Return why a crate was not built: its failure, or the first reason of a platform."""
    if report.state == "built":
        return None
    if report.failure:
        return report.failure.located_message
    return next((unit.reason for unit in report.units if unit.reason), None)
