"""Compiling a crate for every platform."""

from __future__ import annotations

from generator.builds.bench import Bench
from generator.builds.endings import Failed, permanent
from generator.errors import Unbuildable
from generator.platforms import PlatformName
from generator.recipes.job import Described
from generator.recipes.kinds import RECIPES
from generator.recipes.stock import zig_libraries
from generator.reports.models import Unit


def compile_all(bench: Bench, described: Described) -> None:
    """Compile every platform, the others too when one fails that is not the first: they share what is compiled."""
    failures: list[Failed] = []
    for number, platform in enumerate(bench.job.compiled):
        try:
            seconds = _compile(bench, described, platform)
        except (Failed, Unbuildable) as error:
            failed = error if isinstance(error, Failed) else permanent("compile", str(error))
            failures.append(failed.on(platform) if number else failed)
            _unit(bench, Unit(platform=platform, state="failed", reason=str(error)))
            if number == 0 or failed.failure.failure_class != "permanent":
                break
        else:
            _unit(bench, Unit(platform=platform, state="built", seconds=seconds))
    if failures:
        raise failures[0]


def _compile(bench: Bench, described: Described, platform: PlatformName) -> float:
    bench.enter("compile")
    bench.log.line(f"note: it is compiled for {platform}")
    if not bench.task.workshop.site.holds_zig_libraries:
        _bring_zig_libraries(bench, described, platform)
    script = RECIPES[bench.job.crate.kind].compile(bench.job, described, platform)
    return round(bench.command("compile", script, bench.job.directory).seconds, 3)


def _bring_zig_libraries(bench: Bench, described: Described, platform: PlatformName) -> None:
    """Save the sandbox a minute; without them it takes that, and no crate fails for it."""
    for stock in zig_libraries(bench.job, described, platform):
        try:
            bench.put_stock(stock, f"{bench.job.root}/home/.cache")
        except (Failed, OSError) as error:
            bench.log.line(f"note: {stock.doing} failed, so it is done for this crate alone: {error}")


def _unit(bench: Bench, unit: Unit) -> None:
    """Take note of a platform; the host is no unit where it was compiled for the others' sake."""
    if unit.platform in bench.job.platforms:
        bench.outcome.units[unit.platform] = unit
