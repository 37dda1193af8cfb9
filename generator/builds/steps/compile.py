"""The compile step: every platform of a crate."""

from __future__ import annotations

from generator.builds.failures import StepFailed, permanent_failure
from generator.builds.session import BuildSession
from generator.builds.steps.prebuilt import put_prebuilt
from generator.builds.tool_cache import ToolCache
from generator.errors import Unbuildable
from generator.platforms import PlatformName
from generator.recipes.job import BuildJob, CrateMetadata
from generator.recipes.kinds import RECIPES
from generator.recipes.prebuilt import zig_libraries
from generator.reports.models import Unit


def compile_all(
    session: BuildSession, job: BuildJob, metadata: CrateMetadata, tool_cache: ToolCache | None
) -> tuple[Unit, ...]:
    """Compile every platform and return the units; StepFailed is the first failure.

    After the first platform, a permanent failure does not stop the others: they share compiled dependencies.
    `tool_cache` provides zig's libraries; it is None where sandboxes have them.
    """
    units: list[Unit] = []
    failures: list[StepFailed] = []
    for number, platform in enumerate(job.compiled_platforms):
        try:
            seconds = _compile(session, job, metadata, platform, tool_cache)
        except (StepFailed, Unbuildable) as error:
            failed = error if isinstance(error, StepFailed) else permanent_failure("compile", str(error))
            failures.append(failed.for_platform(platform) if number else failed)
            units.append(Unit(platform=platform, state="failed", reason=str(error)))
        else:
            units.append(Unit(platform=platform, state="built", seconds=seconds))
        # The host may be compiled for a build script alone: then it is not a unit of the crate.
        if platform in job.platforms:
            session.record.add_unit(units[-1])
        if failures and (number == 0 or failures[-1].failure.failure_class != "permanent"):
            break
    if failures:
        raise failures[0]
    return tuple(unit for unit in units if unit.platform in job.platforms)


def _compile(
    session: BuildSession, job: BuildJob, metadata: CrateMetadata, platform: PlatformName, tool_cache: ToolCache | None
) -> float:
    """Compile one platform and return the seconds."""
    session.enter("compile")
    session.log.line(f"note: compiling for {platform}")
    if tool_cache:
        _put_zig_libraries(session, job, platform, tool_cache)
    script = RECIPES[job.crate.kind].compile(job, metadata, platform)
    return round(session.command("compile", script, job.package_directory).seconds, 3)


def _put_zig_libraries(session: BuildSession, job: BuildJob, platform: PlatformName, tool_cache: ToolCache) -> None:
    """Save the sandbox a minute of compiling zig's libraries; a failure here does not fail the crate."""
    if prebuilt := zig_libraries(job, platform):
        try:
            put_prebuilt(session, tool_cache, prebuilt, f"{job.root}/home/.cache")
        except (StepFailed, OSError) as error:
            session.log.line(f"note: {prebuilt.activity} failed, so it is done for this crate alone: {error}")
