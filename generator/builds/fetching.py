"""The first phase: everything that a crate is built from, and what can be built of it here."""

from __future__ import annotations

from dataclasses import replace

from generator.builds.bench import Bench
from generator.errors import Unbuildable
from generator.recipes.coverage import COVERAGE_TOOL
from generator.recipes.job import Described, describe, lacks
from generator.recipes.kinds import RECIPES
from generator.recipes.recipe import (
    LOCK,
    METADATA,
    PACKAGE_JSON,
    PACKAGE_LOCK,
    PACKAGES,
    describe_script,
    fetch_script,
    restore_script,
)
from generator.recipes.stock import programs
from generator.reports.models import Unit
from generator.sbom.document import Contents, contents


def fetch(bench: Bench) -> tuple[Described, Contents]:
    """Bring the source and its dependencies, close the network, and read what they say of themselves."""
    bench.enter("fetch")
    job = bench.job
    bench.allowed = bench.sandbox.allow_only(bench.task.settings.fetch_hosts)
    if job.source.archive:
        bench.sandbox.put(job.source.archive, f"{job.root}/source")
    bench.command("fetch", fetch_script(job), job.root)
    bench.sandbox.close_network()
    bench.command("fetch", restore_script(job), job.root)
    bench.command("fetch", describe_script(job), job.root)
    metadata = bench.read(METADATA)
    if metadata is None:
        raise Unbuildable("cargo metadata gave no description of the crate")
    described = describe(job, metadata, bench.read(PACKAGE_JSON), bench.read(PACKAGES) or b"")
    lock = (bench.read(LOCK) or b"").decode(errors="replace")
    _bring_tools(bench, lock)
    return described, contents(metadata, lock, bench.read(PACKAGE_LOCK), f"{job.directory}/Cargo.toml")


def _bring_tools(bench: Bench, lock: str) -> None:
    own = RECIPES[bench.job.crate.kind].tools(bench.job, lock)
    for tool in (*own, *([COVERAGE_TOOL] if bench.job.covered else [])):
        bench.put_stock(programs(tool), bench.job.tools)


def leave_out(bench: Bench, described: Described) -> bool:
    """Skip platforms for which something is lacking, before anything is compiled; False when none is left."""
    reasons = {name: lacks(bench.job, described, name) for name in bench.job.platforms}
    for platform, reason in reasons.items():
        if reason is None:
            continue
        if platform in bench.task.settings.required:
            raise Unbuildable(f"{platform} is required: {reason}")
        bench.log.line(f"note: {platform} is skipped: {reason}")
        bench.outcome.units[platform] = Unit(platform=platform, state="skipped", reason=reason)
    bench.job = replace(bench.job, platforms=tuple(name for name, reason in reasons.items() if reason is None))
    return bool(bench.job.platforms)
