"""Taking the files of a package out of the sandbox, and auditing what of them a machine executes."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Final

from generator.audit.rules import Oldest
from generator.builds.artifacts import digest_of, unit_artifacts, unpack
from generator.builds.auditing import audited, strangers, told, unnamed, violations
from generator.builds.bench import Bench
from generator.builds.endings import Stopped
from generator.errors import Unbuildable
from generator.recipes.recipe import OUT, OUT_TAR, collect_script
from generator.reports.models import Unit
from generator.sandboxes.sandbox import SandboxError

MAX_ARTIFACT: Final = 2 * 1024 * 1024 * 1024


def collect(bench: Bench, stage: str) -> Path:
    """Run the script that stages a package, and return the directory of what came out whole and with plain names."""
    bench.enter("collect")
    job, outcome = bench.job, bench.outcome
    bench.command("collect", f'rm -rf "$OUT" && mkdir -p "$OUT"\n{stage}', job.directory, OUT=f"{job.root}/{OUT}")
    said = deque[str](maxlen=1)
    bench.command("collect", collect_script(job), job.root, said)
    archive, staged = bench.scratch / OUT_TAR, bench.scratch / OUT
    bench.sandbox.get(f"{job.root}/{OUT_TAR}", archive, MAX_ARTIFACT)
    if not said or said[-1].split()[:1] != [digest_of(archive)]:
        raise SandboxError("what came out of the sandbox is not what was made in it: the digests differ")
    unpack(archive, staged)
    for platform in job.platforms:
        found = unit_artifacts(staged, platform)
        if not found:
            raise Unbuildable(f"the build left nothing for {platform}")
        outcome.units[platform] = outcome.units[platform].model_copy(update={"artifacts": found})
    return staged


def audit_all(bench: Bench, staged: Path) -> None:
    """Audit all platforms before any violation ends the crate, so that one build tells them all."""
    bench.enter("audit")
    job, outcome = bench.job, bench.outcome
    foreign = strangers(staged, job.platforms, job.crate.kind)
    units = (*outcome.units.values(), *foreign)
    outcome.notes += tuple(f"what is packed for {each.platform} was in the source already" for each in foreign)
    done = [_audited(bench, unit, staged) for unit in units]
    outcome.units |= {unit.platform: unit for unit in done if unit.platform in job.platforms}
    nameless = unnamed(staged, units)
    for sentence in nameless:
        bench.log.line(f"error: {sentence}")
    if found := [*violations(each for unit in done for each in unit.audit), *nameless]:
        raise Unbuildable(told(found))


def _audited(bench: Bench, unit: Unit, staged: Path) -> Unit:
    if bench.task.workshop.stop.is_set():
        raise Stopped
    return audited(unit, staged, bench.job.crate.kind, _oldest(bench), bench.log.line)


def _oldest(bench: Bench) -> Oldest:
    """What zig has linked runs with the glibc that was asked for, what the host's compiler has with its own."""
    site = bench.task.workshop.site
    zig = site.equipment.way(bench.job.host) == "zig"
    return replace(site.oldest, glibc=bench.task.settings.glibc) if zig else site.oldest
