"""The result of one attempt."""

from __future__ import annotations

from dataclasses import dataclass

from generator.builds.record import AttemptRecord
from generator.reports.models import Artifact, Failure


@dataclass(frozen=True)
class PackageFiles:
    """The files of a crate in the output directory: the root's package first, then those of platforms, and the SBOM.

    `loaded` is the command that loaded the installed package, None where no platform of it runs on the host.
    """

    packages: tuple[Artifact, ...]
    sbom: Artifact
    loaded: str | None


@dataclass(frozen=True)
class AttemptResult:
    """The result of one attempt; the record is complete even if a step failed or the run was stopped.

    `is_unreachable` says that it failed because no connection to a host could be made. An attempt in the sandbox of a
    batch `is_abandoned` when that failed before the end of the crate's turn: this says nothing about the crate.
    """

    record: AttemptRecord
    files: PackageFiles | None = None
    failure: Failure | None = None
    stopped: bool = False
    is_unreachable: bool = False
    is_abandoned: bool = False


@dataclass(frozen=True)
class FirstAttempt:
    """The first attempt at a crate of a batch, and the seconds that the crate's own part of it took."""

    result: AttemptResult
    seconds: float
