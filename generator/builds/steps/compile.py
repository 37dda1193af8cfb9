"""Compiling a crate for every platform."""

from __future__ import annotations

from generator.builds.errors import StepFailed, permanent_failure
from generator.builds.session import BuildSession
from generator.errors import Unbuildable
from generator.platforms import PlatformName
from generator.recipes.job import CrateMetadata
from generator.recipes.kinds import RECIPES
from generator.recipes.prebuilt import zig_libraries
from generator.reports.models import Unit


def compile_all(session: BuildSession, metadata: CrateMetadata) -> None:
    """Compile every platform, the others too when one fails that is not the first: they share what is compiled."""
    failures: list[StepFailed] = []
    for number, platform in enumerate(session.job.compiled_platforms):
        try:
            seconds = _compile(session, metadata, platform)
        except (StepFailed, Unbuildable) as error:
            failed = error if isinstance(error, StepFailed) else permanent_failure("compile", str(error))
            failures.append(failed.on(platform) if number else failed)
            _unit(session, Unit(platform=platform, state="failed", reason=str(error)))
            if number == 0 or failed.failure.failure_class != "permanent":
                break
        else:
            _unit(session, Unit(platform=platform, state="built", seconds=seconds))
    if failures:
        raise failures[0]


def _compile(session: BuildSession, metadata: CrateMetadata, platform: PlatformName) -> float:
    session.enter("compile")
    session.log.line(f"note: it is compiled for {platform}")
    if not session.build.context.environment.has_zig_libraries:
        _bring_zig_libraries(session, metadata, platform)
    script = RECIPES[session.job.crate.kind].compile(session.job, metadata, platform)
    return round(session.command("compile", script, session.job.directory).seconds, 3)


def _bring_zig_libraries(session: BuildSession, metadata: CrateMetadata, platform: PlatformName) -> None:
    """Save the sandbox a minute; without them it takes that, and no crate fails for it."""
    for prebuilt in zig_libraries(session.job, metadata, platform):
        try:
            session.put_prebuilt(prebuilt, f"{session.job.root}/home/.cache")
        except (StepFailed, OSError) as error:
            session.log.line(f"note: {prebuilt.doing} failed, so it is done for this crate alone: {error}")


def _unit(session: BuildSession, unit: Unit) -> None:
    """Take note of a platform; the host is no unit where it was compiled for the others' sake."""
    if unit.platform in session.job.platforms:
        session.result.units[unit.platform] = unit
