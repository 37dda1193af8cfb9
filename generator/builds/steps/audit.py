"""The audit step: all binaries of a package, before it is packed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from generator.audit.findings import Audit
from generator.audit.magic import is_binary
from generator.audit.reading import read_facts
from generator.audit.rules import MinimumVersions, audit
from generator.builds.artifacts import unit_artifacts
from generator.builds.failures import RunStopped
from generator.builds.session import BuildSession
from generator.builds.steps.collect import Staged
from generator.errors import Unbuildable
from generator.platforms import PLATFORMS_OF_KIND, Kind, PlatformName
from generator.recipes.job import BuildJob
from generator.reports.models import Unit

# Violations in the failure's message; the log and the report have all of them.
MAX_SHOWN: Final = 3
# For one platform: each binary needs a process that reads it.
MAX_BINARIES: Final = 50


def audit_all(
    session: BuildSession, job: BuildJob, staged: Staged, minimum: MinimumVersions, stop: threading.Event
) -> None:
    """Audit the binaries of all platforms; Unbuildable after all of them, so that one build shows all violations.

    `minimum` are the versions that binaries of the host's own compiler need.
    """
    session.enter("audit")
    foreign = binaries_from_source(staged.directory, job.platforms, job.crate.kind)
    for unit in foreign:
        session.note(f"the binaries for {unit.platform} in the package come from the source")
    minimum = replace(minimum, glibc=job.settings.glibc) if job.toolchain.linker(job.host) == "zig" else minimum
    units = (*staged.units, *foreign)
    audited: list[Unit] = []
    for unit in units:
        if stop.is_set():
            raise RunStopped
        audited.append(audit_unit(unit, staged.directory, job.crate.kind, minimum, session.log.line))
    for unit in audited[: len(staged.units)]:
        session.record.add_unit(unit)
    unassigned = unassigned_binaries(staged.directory, units)
    for sentence in unassigned:
        session.log.line(f"error: {sentence}")
    if found := [*violations(audit for unit in audited for audit in unit.audit), *unassigned]:
        raise Unbuildable(summary(found))


def audit_unit(unit: Unit, staged: Path, kind: Kind, minimum: MinimumVersions, log: Callable[[str], object]) -> Unit:
    """Audit a unit's artifacts and log the findings; a violation fails the unit. Unbuildable for too many artifacts."""
    if len(unit.artifacts) > MAX_BINARIES:
        raise Unbuildable(
            f"the build made {len(unit.artifacts)} binaries for {unit.platform}: the limit is {MAX_BINARIES}"
        )
    facts = (read_facts(staged / artifact.file, artifact.file) for artifact in unit.artifacts)
    audits = tuple(audit(binary, unit.platform, kind, minimum) for binary in facts)
    for finding in (finding for each in audits for finding in each.findings):
        log(f"{'error' if finding.severity == 'violation' else 'note'}: {finding.message}")
    found = violations(audits)
    state = {"state": "failed", "reason": summary(found)} if found else {}
    return unit.model_copy(update={"audit": audits, **state})


def violations(audits: Iterable[Audit]) -> list[str]:
    """Return the messages of all violations."""
    return [finding.message for each in audits for finding in each.findings if finding.severity == "violation"]


def summary(sentences: list[str]) -> str:
    """Return the first sentences and the number of the others."""
    more = [f"and {len(sentences) - MAX_SHOWN} more"] if len(sentences) > MAX_SHOWN else []
    return "; ".join([*sentences[:MAX_SHOWN], *more])


def unassigned_binaries(staged: Path, units: Iterable[Unit]) -> list[str]:
    """Return a message for each binary whose name fits no platform: there are no rules to audit it by."""
    known = {artifact.file for unit in units for artifact in unit.artifacts}
    files = {path.relative_to(staged).as_posix(): path for path in staged.rglob("*") if path.is_file()}
    found = sorted(name for name, path in files.items() if name not in known and is_binary(_head(path)))
    advice = "is a binary for no platform of the crate: leave it out, or name it for its platform"
    return [f"{name} {advice}" for name in found]


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


def binaries_from_source(staged: Path, built: Iterable[PlatformName], kind: Kind) -> tuple[Unit, ...]:
    """Return the binaries of platforms that were not built: they come from the source and would be packed."""
    found = ((name, unit_artifacts(staged, name)) for name in PLATFORMS_OF_KIND[kind] if name not in built)
    return tuple(Unit(platform=name, state="not_run", artifacts=artifacts) for name, artifacts in found if artifacts)
