"""The first phase: everything that a crate is built from, and what can be built of it here."""

from __future__ import annotations

from dataclasses import replace

from generator.builds.bench import Bench
from generator.builds.endings import Failed
from generator.builds.failures import Reach
from generator.dependencies.check import Asked
from generator.dependencies.files import MAX_ARCHIVE, files_of
from generator.dependencies.refusal import Refusal, summary
from generator.errors import Unbuildable
from generator.manifest.models import RegistrySource
from generator.network.endpoints import Endpoint
from generator.network.registries import Registries
from generator.recipes.coverage import COVERAGE_TOOL
from generator.recipes.job import Described, describe, lacks
from generator.recipes.kinds import RECIPES
from generator.recipes.recipe import (
    LOCK,
    METADATA,
    NAMED_TAR,
    PACKAGE_JSON,
    PACKAGE_LOCK,
    PACKAGES,
    describe_script,
    fetch_script,
    restore_script,
    source_script,
)
from generator.recipes.stock import programs
from generator.reports.models import Failure, Unit
from generator.sbom.document import Contents, contents


def fetch(bench: Bench) -> tuple[Described, Contents]:
    """Bring the source and its dependencies, close the network, and read what they say of themselves."""
    bench.enter("fetch")
    job = bench.job
    registries = bench.sandbox.registries()
    if isinstance(job.crate.source, RegistrySource):
        _reach(bench, registries)
        bench.command("fetch", source_script(job, job.crate.source), job.root)
    asked = _asked(bench, registries)
    if refusals := list(asked.refusals()):
        raise Failed(_failure(refusals))
    if bench.reach is None or asked.endpoints():
        _reach(bench, registries, asked.endpoints())
    if job.source.archive:
        bench.sandbox.put(job.source.archive, f"{job.root}/source")
    bench.command("fetch", fetch_script(job), job.root)
    bench.sandbox.close_network()
    _tell_refused(bench)
    bench.command("fetch", restore_script(job), job.root)
    bench.command("fetch", describe_script(job), job.root)
    metadata = bench.read(METADATA)
    if metadata is None:
        raise Unbuildable("cargo metadata gave no description of the crate")
    described = describe(job, metadata, bench.read(PACKAGE_JSON), bench.read(PACKAGES) or b"")
    lock = (bench.read(LOCK) or b"").decode(errors="replace")
    _bring_tools(bench, lock)
    return described, contents(metadata, lock, bench.read(PACKAGE_LOCK), f"{job.directory}/Cargo.toml")


def _reach(bench: Bench, registries: Registries, named: frozenset[Endpoint] = frozenset()) -> None:
    """Open the network to what the crate may reach, with what its source has `named`."""
    allowed = bench.sandbox.allow_only(bench.task.settings.fetch_hosts, named)
    bench.reach = Reach(allowed, known=registries.complete)


def _asked(bench: Bench, registries: Registries) -> Asked:
    """Read where the source's dependencies are to come from; nothing of them is there yet."""
    job, archive = bench.job, bench.job.source.archive
    if archive is None:
        archive = bench.scratch / NAMED_TAR
        bench.sandbox.get(f"{job.root}/{NAMED_TAR}", archive, MAX_ARCHIVE)
    files, addon = files_of(archive), job.crate.kind == "napi"
    setting = bench.task.settings.fetch_hosts
    return Asked(files, job.source.directory, job.source.workspace, addon, registries, setting)


def _failure(refusals: list[Refusal]) -> Failure:
    first = refusals[0]
    message = summary(refusals)
    return Failure(failure_class="permanent", phase="fetch", message=message, file=first.file, line=first.line)


def _tell_refused(bench: Bench) -> None:
    """Say which hosts a fetch did without, such as those of optional dependencies."""
    for each in bench.sandbox.refused():
        note = f"a dependency asked for {each.sentence}"
        bench.log.line(f"note: {note}")
        bench.outcome.notes += (note,)


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
