"""The first phase: everything that a crate is built from, and what can be built of it here."""

from __future__ import annotations

from dataclasses import replace

from generator.builds.errors import StepFailed
from generator.builds.failures import FetchAccess
from generator.builds.session import BuildSession
from generator.dependencies.check import DependencySources
from generator.dependencies.files import MAX_ARCHIVE, read_dependency_files
from generator.dependencies.refusal import Refusal, summary
from generator.errors import Unbuildable
from generator.manifest.models import RegistrySource
from generator.network.endpoints import Endpoint
from generator.network.registries import Registries
from generator.recipes.coverage import COVERAGE_TOOL
from generator.recipes.job import CrateMetadata, read_metadata, unmet_need
from generator.recipes.kinds import RECIPES
from generator.recipes.prebuilt import prebuilt_programs
from generator.recipes.recipe import describe_script, fetch_script, restore_script, source_script
from generator.reports.models import Failure, Unit
from generator.sandboxes.layout import (
    DEPENDENCY_FILES_TAR,
    LOCK,
    METADATA,
    PACKAGE_JSON,
    PACKAGE_LOCK,
    PACKAGES,
    source_path,
)
from generator.sbom.document import Contents, read_contents


def fetch(session: BuildSession) -> tuple[CrateMetadata, Contents]:
    """Bring the source and its dependencies, close the network, and read what they say of themselves."""
    session.enter("fetch")
    job = session.job
    registries = session.sandbox.registries()
    if isinstance(job.crate.source, RegistrySource):
        _reach(session, registries)
        session.command("fetch", source_script(job, job.crate.source), job.root)
    asked = _asked(session, registries)
    if refusals := list(asked.refusals()):
        raise StepFailed(_failure(refusals))
    if session.fetch_access is None or asked.endpoints():
        _reach(session, registries, asked.endpoints())
    if job.source.archive:
        session.sandbox.put(job.source.archive, source_path(job.root, "."))
    session.command("fetch", fetch_script(job), job.root)
    session.sandbox.close_network()
    _tell_refused(session)
    session.command("fetch", restore_script(job), job.root)
    session.command("fetch", describe_script(job), job.root)
    cargo_metadata = session.read(METADATA)
    if cargo_metadata is None:
        raise Unbuildable("cargo metadata gave no description of the crate")
    metadata = read_metadata(job, cargo_metadata, session.read(PACKAGE_JSON), session.read(PACKAGES) or b"")
    lock = (session.read(LOCK) or b"").decode(errors="replace")
    _bring_tools(session, lock)
    return metadata, read_contents(cargo_metadata, lock, session.read(PACKAGE_LOCK), f"{job.directory}/Cargo.toml")


def _reach(session: BuildSession, registries: Registries, named: frozenset[Endpoint] = frozenset()) -> None:
    """Open the network to what the crate may reach, with what its source has `named`."""
    allowed = session.sandbox.allow_only(session.build.settings.fetch_hosts, named)
    session.fetch_access = FetchAccess(allowed, registries_known=registries.complete)


def _asked(session: BuildSession, registries: Registries) -> DependencySources:
    """Read where the source's dependencies are to come from; nothing of them is there yet."""
    job, archive = session.job, session.job.source.archive
    if archive is None:
        archive = session.scratch / DEPENDENCY_FILES_TAR
        session.sandbox.get(f"{job.root}/{DEPENDENCY_FILES_TAR}", archive, MAX_ARCHIVE)
    files, addon = read_dependency_files(archive), job.crate.kind == "napi"
    setting = session.build.settings.fetch_hosts
    return DependencySources(files, job.source.directory, job.source.workspace, addon, registries, setting)


def _failure(refusals: list[Refusal]) -> Failure:
    first = refusals[0]
    message = summary(refusals)
    return Failure(failure_class="permanent", phase="fetch", message=message, file=first.file, line=first.line)


def _tell_refused(session: BuildSession) -> None:
    """Say which hosts a fetch did without, such as those of optional dependencies."""
    for each in session.sandbox.refused_hosts():
        note = f"a dependency asked for {each.sentence}"
        session.log.line(f"note: {note}")
        session.result.notes += (note,)


def _bring_tools(session: BuildSession, lock: str) -> None:
    own = RECIPES[session.job.crate.kind].tools(session.job, lock)
    for tool in (*own, *([COVERAGE_TOOL] if session.job.measures_coverage else [])):
        session.put_prebuilt(prebuilt_programs(tool), session.job.tools)


def skip_platforms(session: BuildSession, metadata: CrateMetadata) -> bool:
    """Skip platforms for which something is lacking, before anything is compiled; False when none is left."""
    reasons = {name: unmet_need(session.job, metadata, name) for name in session.job.platforms}
    for platform, reason in reasons.items():
        if reason is None:
            continue
        if platform in session.build.settings.required:
            raise Unbuildable(f"{platform} is required: {reason}")
        session.log.line(f"note: {platform} is skipped: {reason}")
        session.result.units[platform] = Unit(platform=platform, state="skipped", reason=reason)
    session.job = replace(session.job, platforms=tuple(name for name, reason in reasons.items() if reason is None))
    return bool(session.job.platforms)
