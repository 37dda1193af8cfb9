"""Taking the files of a package out of the sandbox, and auditing what of them a machine executes."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Final

from generator.audit.rules import MinimumVersions
from generator.builds.artifacts import unit_artifacts, unpack
from generator.builds.errors import RunStopped
from generator.builds.session import BuildSession
from generator.builds.steps.audit import audit_unit, binaries_from_source, summary, unassigned_binaries, violations
from generator.errors import Unbuildable
from generator.files.digest import sha256_of
from generator.recipes.recipe import collect_script
from generator.reports.models import Unit
from generator.sandboxes.contract import SandboxError
from generator.sandboxes.layout import OUT, OUT_TAR

MAX_ARTIFACT: Final = 2 * 1024 * 1024 * 1024


def collect(session: BuildSession, stage: str) -> Path:
    """Run the script that stages a package, and return the directory of what came out whole and with plain names."""
    session.enter("collect")
    job, result = session.job, session.result
    session.command("collect", f'rm -rf "$OUT" && mkdir -p "$OUT"\n{stage}', job.directory, OUT=f"{job.root}/{OUT}")
    said = deque[str](maxlen=1)
    session.command("collect", collect_script(job), job.root, said)
    archive, staged = session.scratch / OUT_TAR, session.scratch / OUT
    session.sandbox.get(f"{job.root}/{OUT_TAR}", archive, MAX_ARTIFACT)
    if not said or said[-1].split()[:1] != [sha256_of(archive)]:
        raise SandboxError("what came out of the sandbox is not what was made in it: the digests differ")
    unpack(archive, staged)
    for platform in job.platforms:
        found = unit_artifacts(staged, platform)
        if not found:
            raise Unbuildable(f"the build left nothing for {platform}")
        result.units[platform] = result.units[platform].model_copy(update={"artifacts": found})
    return staged


def audit_all(session: BuildSession, staged: Path) -> None:
    """Audit all platforms before any violation ends the crate, so that one build tells them all."""
    session.enter("audit")
    job, result = session.job, session.result
    foreign = binaries_from_source(staged, job.platforms, job.crate.kind)
    units = (*result.units.values(), *foreign)
    result.notes += tuple(f"what is packed for {each.platform} was in the source already" for each in foreign)
    done = [_audited(session, unit, staged) for unit in units]
    result.units |= {unit.platform: unit for unit in done if unit.platform in job.platforms}
    nameless = unassigned_binaries(staged, units)
    for sentence in nameless:
        session.log.line(f"error: {sentence}")
    if found := [*violations(each for unit in done for each in unit.audit), *nameless]:
        raise Unbuildable(summary(found))


def _audited(session: BuildSession, unit: Unit, staged: Path) -> Unit:
    if session.build.context.stop.is_set():
        raise RunStopped
    return audit_unit(unit, staged, session.job.crate.kind, _oldest(session), session.log.line)


def _oldest(session: BuildSession) -> MinimumVersions:
    """What zig has linked runs with the glibc that was asked for, what the host's compiler has with its own."""
    environment = session.build.context.environment
    zig = environment.toolchain.linker(session.job.host) == "zig"
    return (
        replace(environment.minimum_versions, glibc=session.build.settings.glibc)
        if zig
        else environment.minimum_versions
    )
