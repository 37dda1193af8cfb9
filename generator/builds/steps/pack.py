"""The pack step: npm packages without secrets. The load step: installing them in the sandbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.builds.artifacts import sha256_of
from generator.builds.result import PackageFiles
from generator.builds.session import BuildSession
from generator.builds.steps.fetch import Fetched
from generator.errors import Unbuildable
from generator.files.directory import Directory
from generator.manifest.names import sbom_name, tarball_name
from generator.packages.files import SBOM_FILE
from generator.packages.tarball import NpmPackage, PackedFile, write_tarball
from generator.platforms import PlatformName, glibc_of
from generator.recipes.job import BuildJob, CrateMetadata
from generator.recipes.kinds import RECIPES
from generator.recipes.recipe import load_script
from generator.redaction import Redactor
from generator.reports.models import Artifact

# Shorter values of a crate's variables, such as a region or a mode, may be words of its program.
MIN_PUBLISHED_SECRET: Final = 16


@dataclass(frozen=True)
class PackedPackage:
    """A package's tarball in the session's scratch directory; `platform` is None for the root's package."""

    name: str
    platform: PlatformName | None
    tarball: Artifact


@dataclass(frozen=True)
class Packed:
    """The packages of a crate, the root's first, and the file of their SBOM_FILE."""

    packages: tuple[PackedPackage, ...]
    sbom: Path


def pack(session: BuildSession, job: BuildJob, fetched: Fetched, staged: Path) -> Packed:
    """Pack the staged files and their SBOM_FILE; Unbuildable for a missing file or a secret."""
    from generator.sbom.document import sbom, write_document  # noqa: PLC0415  a crate without a package needs no CycloneDX

    session.enter("pack")
    document = sbom(job.identity(fetched.metadata.package), job.crate.kind == "bin", job.platforms, fetched.contents)
    # The SBOM_FILE is part of the package: it is where the package is, and needs no release asset.
    write_document(document, staged)
    packages = RECIPES[job.crate.kind].pack(job, fetched.metadata, staged)
    return Packed(tuple(_packed(session, job, package) for package in packages), staged / SBOM_FILE)


def load(session: BuildSession, job: BuildJob, metadata: CrateMetadata, packed: Packed, out: Directory) -> PackageFiles:
    """Install and load the packages as npm would on the host, then copy all of them to `out`."""
    loaded = None
    if not _loadable(job):
        session.note(f"not loaded: it was built for no platform that {job.host} runs")
    else:
        session.enter("load")
        loaded = _load(session, job, metadata, packed.packages)
    for package in packed.packages:
        out.copy(session.scratch / package.tarball.file, package.tarball.file)
    name = sbom_name(job.crate.name)
    out.copy(packed.sbom, name)
    document = Artifact(file=name, bytes=packed.sbom.stat().st_size, sha256=sha256_of(packed.sbom))
    return PackageFiles(tuple(package.tarball for package in packed.packages), document, loaded)


def _loadable(job: BuildJob) -> set[PlatformName]:
    """Return the built platforms whose files this machine can load: static programs for musl need only its kernel."""
    static = {each for each in job.platforms if job.crate.kind == "bin" and glibc_of(each) == job.host}
    return {job.host, "wasm32", *static}.intersection(job.platforms)


def _load(session: BuildSession, job: BuildJob, metadata: CrateMetadata, packages: Sequence[PackedPackage]) -> str:
    """Install and load the packages in the sandbox; return the command for the report."""
    installed = _loadable(job)
    tarballs = {
        each.name: each.tarball.file for each in packages if each.platform is None or each.platform in installed
    }
    session.put_files((session.scratch / name for name in tarballs.values()), f"{job.root}/packed")
    script, loaded = RECIPES[job.crate.kind].load(job, metadata)
    session.command("load", load_script(job, tarballs, script), job.root)
    return loaded


def _packed(session: BuildSession, job: BuildJob, package: NpmPackage) -> PackedPackage:
    _check_secrets(package.files, session.variables)
    file = session.scratch / tarball_name(package.name, job.crate.version)
    size, digest = write_tarball(package.files, file)
    return PackedPackage(package.name, package.platform, Artifact(file=file.name, bytes=size, sha256=digest))


def _check_secrets(files: tuple[PackedFile, ...], variables: Mapping[str, str]) -> None:
    """Unbuildable when a file of a package contains the value of a crate's variable."""
    secrets = Redactor({name: value for name, value in variables.items() if len(value) >= MIN_PUBLISHED_SECRET})
    for file in files:
        with file.open() as stream:
            if names := secrets.names_in(stream):
                raise Unbuildable(f"{file.path} of the package contains the value of {', '.join(names)}")
