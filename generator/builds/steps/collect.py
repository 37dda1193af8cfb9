"""The collect step: copying the files of a package out of the sandbox."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.builds.artifacts import sha256_of, unit_artifacts, unpack
from generator.builds.session import BuildSession
from generator.errors import Unbuildable
from generator.recipes.job import BuildJob, CrateMetadata
from generator.recipes.kinds import RECIPES
from generator.recipes.recipe import collect_script
from generator.reports.models import Unit
from generator.sandboxes.contract import SandboxError
from generator.sandboxes.layout import OUT, OUT_TAR

MAX_ARCHIVE: Final = 2 * 1024 * 1024 * 1024


@dataclass(frozen=True)
class Staged:
    """The files of a package in `directory` on the host, and the crate's units with their artifacts."""

    directory: Path
    units: tuple[Unit, ...]


def collect(session: BuildSession, job: BuildJob, metadata: CrateMetadata, units: Iterable[Unit]) -> Staged | None:
    """Stage the package's files in the sandbox and copy them out; None for a crate without a package.

    This comes before the tests, which may compile everything again with other features.
    """
    stage = RECIPES[job.crate.kind].stage(job, metadata)
    if stage is None:
        return None
    session.enter("collect")
    clean = f'rm -rf "$OUT" && mkdir -p "$OUT"\n{stage}'
    session.command("collect", clean, job.package_directory, env={"OUT": f"{job.root}/{OUT}"})
    directory = _copy_out(session, job)
    collected: list[Unit] = []
    for unit in units:
        collected.append(_with_artifacts(unit, directory))
        session.record.add_unit(collected[-1])
    return Staged(directory, tuple(collected))


def _copy_out(session: BuildSession, job: BuildJob) -> Path:
    """Copy the staged files out as one archive and unpack them; SandboxError when the digests differ."""
    last_line = deque[str](maxlen=1)
    session.command("collect", collect_script(job), job.root, on_line=last_line.append)
    archive, directory = session.scratch / OUT_TAR, session.scratch / OUT
    session.sandbox.get(f"{job.root}/{OUT_TAR}", archive, MAX_ARCHIVE)
    if not last_line or last_line[-1].split()[:1] != [sha256_of(archive)]:
        raise SandboxError("the archive from the sandbox is damaged: its SHA-256 differs from that in the sandbox")
    unpack(archive, directory)
    return directory


def _with_artifacts(unit: Unit, directory: Path) -> Unit:
    artifacts = unit_artifacts(directory, unit.platform)
    if not artifacts:
        raise Unbuildable(f"the build made no artifact for {unit.platform}")
    return unit.model_copy(update={"artifacts": artifacts})
