"""The fetch step: source, dependencies and tools; and the platforms that the crate can be built for."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from generator.builds.failures import FetchAccess, StepFailed, built_for_none
from generator.builds.session import BuildSession
from generator.builds.steps.prebuilt import put_prebuilt
from generator.builds.tool_cache import ToolCache
from generator.dependencies.check import DependencySources
from generator.dependencies.files import MAX_ARCHIVE, read_dependency_files
from generator.dependencies.refusal import Refusal, summary
from generator.errors import Unbuildable
from generator.manifest.source_models import RegistrySource
from generator.network.endpoints import Endpoint
from generator.network.registries import Registries
from generator.npm.files import PACKAGE_JSON as NPM_PACKAGE_JSON
from generator.npm.projects import npm_project
from generator.recipes.coverage import COVERAGE_TOOL
from generator.recipes.imported_packages import imported_script
from generator.recipes.job import BuildJob, CrateMetadata, read_conditions, read_metadata, unmet_need
from generator.recipes.kinds import RECIPES
from generator.recipes.npm_packages import NpmSource, install_script, npm_source, restore_settings
from generator.recipes.prebuilt import prebuilt_programs
from generator.recipes.recipe import conditions_script, describe_script, fetch_script, source_script
from generator.reports.models import Failure, Unit
from generator.sandboxes.layout import (
    CONDITIONS,
    DEPENDENCY_FILES_TAR,
    IMPORTED,
    LOCK,
    METADATA,
    PACKAGE_JSON,
    PACKAGES,
)
from generator.sbom.contents import Contents, read_contents


@dataclass(frozen=True)
class Fetching:
    """The job with what its source says, the network access that its fetch had, and an addon's npm project."""

    job: BuildJob
    access: FetchAccess | None
    npm: NpmSource | None


@dataclass(frozen=True)
class Fetched:
    """The job with what its source says, the crate's metadata, and the contents of its SBOM."""

    job: BuildJob
    metadata: CrateMetadata
    contents: Contents


def describe(session: BuildSession, fetching: Fetching, tool_cache: ToolCache) -> Fetched:
    """Read the metadata of the crate and its dependencies, after the network is closed."""
    job, npm = fetching.job, fetching.npm
    restore = f"{restore_settings(job.root)}\n" if npm else ""
    session.command("fetch", restore + describe_script(job), job.root, access=fetching.access)
    cargo_metadata = session.read(METADATA)
    if cargo_metadata is None:
        raise Unbuildable("cargo metadata printed no description of the crate")
    metadata = read_metadata(job, cargo_metadata, session.read(PACKAGE_JSON), session.read(PACKAGES) or b"")
    if npm:
        metadata = replace(metadata, package_json=npm.package_json, npm=npm.project)
    if imported := session.read(IMPORTED):
        metadata = replace(metadata, npm_dependencies=json.loads(imported)["dependencies"])
    lock = (session.read(LOCK) or b"").decode("utf-8-sig", errors="replace")
    _put_tools(session, job, tool_cache, lock)
    package_lock, member = npm.package_lock if npm else (None, "")
    sbom_contents = read_contents(cargo_metadata, lock, package_lock, f"{job.directory}/Cargo.toml", member)
    for note in (*metadata.notes, *(npm.project.notes if npm else ())):
        session.note(note)
    return Fetched(job, metadata, sbom_contents)


def fetch_dependencies(session: BuildSession, job: BuildJob) -> Fetching:
    """Put the source into the sandbox and fetch its dependencies, while the network is open.

    The job in the result has the source's configuration and the facts for its conditions.
    """
    session.enter("fetch")
    registries, refused_before = session.sandbox.registries(), session.sandbox.refused_hosts() or ()
    access = None
    if isinstance(job.crate.source, RegistrySource):
        access = _allow(session, job, registries)
        session.command("fetch", source_script(job, job.crate.source), job.root, access=access)
    sources = _dependency_sources(session, job, registries)
    if refusals := list(sources.refusals()):
        raise StepFailed(_refusal_failure(refusals))
    job = replace(job, configuration=sources.configuration)
    session.preparation = job.preparation
    for cache in job.configuration.unused_caches.values():
        session.note(f"{cache} is not used: sandboxes are new for each crate")
    if access is None or sources.endpoints():
        access = _allow(session, job, registries, sources.endpoints())
    if job.source.archive:
        session.sandbox.put(job.source.archive, f"{job.root}/source")
    if job.configuration.uses_conditions:
        session.command("fetch", conditions_script(job), job.root, access=access)
        job = replace(job, conditions=read_conditions(session.read(CONDITIONS) or b""))
    script = fetch_script(job, session.variables)
    npm = npm_source(sources.project, sources.files) if sources.project else None
    if npm:
        session.log.line(f"note: {npm.project.sentence}")
        script += f"\n{install_script(job.root, npm, 'wasm32' in job.platforms, registries)}"
    if job.crate.kind == "wasm":
        script += f"\n{imported_script(job, sources.files)}"
    session.command("fetch", script, job.root, access=access)
    for host in session.sandbox.refused_hosts() or ():  # optional dependencies may do without them
        if host not in refused_before:
            session.note(f"a dependency asked for {host.sentence}")
    return Fetching(job, access, npm)


def _allow(
    session: BuildSession, job: BuildJob, registries: Registries, named: frozenset[Endpoint] = frozenset()
) -> FetchAccess:
    """Open the network to the crate's allowed hosts, and to the endpoints that its source has `named`."""
    allowed = session.sandbox.allow_only(job.settings.fetch_hosts, named)
    return FetchAccess(allowed, registries_known=registries.complete)


def _dependency_sources(session: BuildSession, job: BuildJob, registries: Registries) -> DependencySources:
    """Read the origins of all dependencies from the source, before any is fetched."""
    archive = job.source.archive
    if archive is None:
        archive = session.scratch / DEPENDENCY_FILES_TAR
        session.sandbox.get(f"{job.root}/{DEPENDENCY_FILES_TAR}", archive, MAX_ARCHIVE)
    files, is_addon = read_dependency_files(archive), job.crate.kind == "napi"
    package, npm_files, hosts = job.package_path, files.repository_files(), job.settings.fetch_hosts
    project = npm_project(package, npm_files) if is_addon and npm_files.has(package, NPM_PACKAGE_JSON) else None
    return DependencySources(files, package, job.source.workspace, project, registries, hosts)


def _refusal_failure(refusals: list[Refusal]) -> Failure:
    first, message = refusals[0], summary(refusals)
    return Failure(failure_class="permanent", phase="fetch", message=message, file=first.file, line=first.line)


def _put_tools(session: BuildSession, job: BuildJob, tool_cache: ToolCache, lock: str) -> None:
    tools = RECIPES[job.crate.kind].tools(job, lock)
    for tool in (*tools, *([COVERAGE_TOOL] if job.measures_coverage else [])):
        put_prebuilt(session, tool_cache, prebuilt_programs(tool), job.tools)


def skip_platforms(session: BuildSession, job: BuildJob, metadata: CrateMetadata) -> BuildJob:
    """Return the job with the platforms that the crate can be built for; the others are recorded as skipped.

    Unbuildable if a required platform is among the others, or if nothing is left and the manifest does not allow it.
    """
    needs = {name: reason for name in job.platforms if (reason := unmet_need(job, metadata, name))}
    for platform, reason in needs.items():
        if platform in job.settings.required:
            raise Unbuildable(f"{platform} is required: {reason}")
        session.log.line(f"note: {platform} is skipped: {reason}")
        session.record.add_unit(Unit(platform=platform, state="skipped", reason=reason))
    left = tuple(name for name in job.platforms if name not in needs)
    if not left and not job.settings.may_be_skipped:
        raise Unbuildable(built_for_none(needs))
    return replace(job, platforms=left)
