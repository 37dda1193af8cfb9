"""From what came out of the sandbox to packages that load, and that hold no secret."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from generator.builds.session import BuildSession
from generator.errors import Unbuildable
from generator.files.digest import sha256_of
from generator.manifest.names import sbom_name, tarball_name
from generator.packages.files import SBOM_FILE
from generator.packages.tarball import NpmPackage, PackedFile, write_tarball
from generator.recipes.job import CrateMetadata
from generator.recipes.kinds import RECIPES
from generator.recipes.recipe import load_script
from generator.redaction import Redactor
from generator.reports.models import Artifact
from generator.sandboxes.layout import OUT
from generator.sbom.document import Contents, sbom, write_document

# Shorter values that a crate is given, such as a region or a mode, may well be words of its program.
MIN_PUBLISHED_SECRET: Final = 16


def pack(
    session: BuildSession, metadata: CrateMetadata, contents: Contents, staged: Path
) -> tuple[tuple[NpmPackage, Artifact], ...]:
    """Pack what was staged, with the list of its parts; Unbuildable when something is missing, or is a secret."""
    session.enter("pack")
    job = session.job
    # In the package, for there it goes wherever the package goes and no asset of a release is needed for it.
    write_document(sbom(job.identity(metadata.package), job.crate.kind == "bin", job.platforms, contents), staged)
    recipe = RECIPES[job.crate.kind]
    return tuple((package, _packed(session, package)) for package in recipe.pack(job, metadata, staged))


def load(session: BuildSession, metadata: CrateMetadata, made: tuple[tuple[NpmPackage, Artifact], ...]) -> None:
    """Load the package with what npm would install of its platforms' packages, and hand all of them on."""
    job, result = session.job, session.result
    if {job.host, "wasm32"}.isdisjoint(job.platforms):
        result.notes += (f"not loaded: it was built for no platform that {job.host} runs",)
    else:
        session.enter("load")
        used = (None, job.host, "wasm32")
        tarballs = {package.name: artifact.file for package, artifact in made if package.platform in used}
        session.put_files(session.scratch / name for name in tarballs.values())
        script, result.loaded = RECIPES[job.crate.kind].load(job, metadata)
        session.command("load", load_script(job, tarballs, script), job.root)
    for _, artifact in made:
        session.build.context.out.copy(session.scratch / artifact.file, artifact.file)
    result.packages = tuple(artifact for _, artifact in made)
    result.sbom = _hand_on_sbom(session)


def _packed(session: BuildSession, package: NpmPackage) -> Artifact:
    _keep_secrets(package.files, session.passed_variables)
    packed = session.scratch / tarball_name(package.name, session.build.crate.version)
    size, digest = write_tarball(package.files, packed)
    return Artifact(file=packed.name, bytes=size, sha256=digest)


def _keep_secrets(files: tuple[PackedFile, ...], passed: Mapping[str, str]) -> None:
    """Unbuildable when a file that would be published holds a secret that the crate was given."""
    given = Redactor({name: value for name, value in passed.items() if len(value) >= MIN_PUBLISHED_SECRET})
    for file in files:
        with file.open() as stream:
            if names := given.names_in(stream):
                raise Unbuildable(f"{file.path} of the package holds the value of {', '.join(names)}")


def _hand_on_sbom(session: BuildSession) -> Artifact:
    document = session.scratch / OUT / SBOM_FILE
    name = sbom_name(session.build.crate.name)
    session.build.context.out.copy(document, name)
    return Artifact(file=name, bytes=document.stat().st_size, sha256=sha256_of(document))
