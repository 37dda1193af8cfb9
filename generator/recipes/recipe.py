"""Scripts that all kinds of crates share, and the protocol of a kind's own recipe."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from generator.cargo.configuration import DIRECTORY, NamedProgram, TargetProgram
from generator.dependencies.files import DEPENDENCY_FILES
from generator.manifest.names import platform_package
from generator.manifest.source_models import RegistrySource
from generator.packages.tarball import NpmPackage
from generator.platforms import PlatformName
from generator.recipes.cargo_target import target_variable
from generator.recipes.job import BuildJob, CrateMetadata
from generator.recipes.npm_packages import NPM_OPTIONS
from generator.recipes.test_run import TestRun
from generator.sandboxes.layout import (
    CONDITIONS,
    DEPENDENCY_FILES_TAR,
    HIDDEN_SOURCE,
    LOAD,
    METADATA,
    OUT,
    OUT_TAR,
    PACKAGES,
    PACKED,
    SOURCE,
)
from generator.scripts import with_arguments


@dataclass(frozen=True)
class Tool:
    """Programs that a recipe needs from the crate registry: the crate, its version, and their names."""

    crate: str
    version: str
    programs: tuple[str, ...]


class Recipe(Protocol):
    """One kind's additions to the shared scripts. Its scripts run in the crate's directory."""

    def tools(self, job: BuildJob, lock: str) -> tuple[Tool, ...]:
        """Return programs to put into `job.tools` before compiling; `lock` is the text of Cargo.lock after fetching."""

    def compile(self, job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> str:
        """Return the script that compiles for one platform; Unbuildable when the crate is not of this kind."""

    def test(self, job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> TestRun:
        """Return the test run on the host or, after the host's has passed, on another platform."""

    def stage(self, job: BuildJob, metadata: CrateMetadata) -> str | None:
        """Return the script that puts exactly the package's files into $OUT, or None for a crate without a package."""

    def pack(self, job: BuildJob, metadata: CrateMetadata, staged: Path) -> tuple[NpmPackage, ...]:
        """Return packages of the staged files, the root's first; Unbuildable names a missing file."""

    def load(self, job: BuildJob, metadata: CrateMetadata) -> tuple[str, str]:
        """Return the script that loads the installed package, and the words that a person would use for it."""


def source_script(job: BuildJob, source: RegistrySource) -> str:
    """Return the script that downloads a published crate's source and packs the files that declare dependencies."""
    names = " -o ".join((*(f"-name {each}" for each in sorted(DEPENDENCY_FILES)), f"-path '*/{DIRECTORY}/*'"))
    tar = f"tar -cf ../{DEPENDENCY_FILES_TAR} --null -T -"
    return (
        f"cd {shlex.quote(job.root)}\n{download_source(source.registry, source.version)}\n"
        f"cd {SOURCE} && find . \\( -type f -o -type l \\) \\( {names} \\) -print0 | {tar}"
    )


def fetch_script(job: BuildJob, variables: Collection[str] = ()) -> str:
    """Return the script that downloads the crates that a crate depends on. It runs nothing of the crate.

    It fails first if a program is missing that Cargo will look for. `variables` are the names of the user's.

    Cargo runs outside of the source, so that no configuration in it can name a program for Cargo to start. Only where
    crates come from is copied from there.
    """
    parts = ["cd " + shlex.quote(job.root)]
    if configuration := job.configuration.for_fetching(f"{job.root}/{SOURCE}"):
        parts.append(f"mkdir -p {DIRECTORY} && printf %s {shlex.quote(configuration)} > {DIRECTORY}/config.toml")
    if programs := [*job.configuration.programs, *target_programs(job, variables)]:
        words = ((each.key, each.name, _place(job, each)) for each in programs)
        parts.append(with_arguments("find-programs.sh", *(word for each in words for word in each)))
    if isinstance(job.crate.source, RegistrySource):
        lock = f"{job.root}/{SOURCE}/Cargo.lock"
        parts.append(with_arguments("fetch-published.sh", f"{job.directory}/Cargo.toml", lock))
    else:
        parts.append(_fetch_locked(job))
    return "\n".join(parts)


def target_programs(job: BuildJob, variables: Collection[str]) -> list[NamedProgram]:
    """Return the programs of [target] that Cargo starts for this job, except where a variable names another one.

    zig and cargo-xwin are linkers instead, and so is the runner of another platform's tests.
    """
    kind, host, toolchain, found = job.crate.kind, job.host, job.toolchain, dict[str, NamedProgram]()
    tested = [host] if job.settings.tests and kind != "napi" and job.crate.commands.test is None else []
    if tested and kind != "wasm" and job.settings.foreign_tests:
        runtimes = {each: toolchain.runtime(each) for each in job.platforms if each != host}
        tested += [platform for platform, runtime in runtimes.items() if runtime and not runtime.command]
    linked = [each for each in (*job.compiled_platforms, *tested) if toolchain.linker(each) in ("cc", "wasm")]
    if kind == "wasm" or job.measures_coverage:  # macros and tests are of the host, and zig does not link them
        linked.append(host)
    wanted: dict[TargetProgram, list[PlatformName]] = {"linker": linked, "runner": tested}
    for key, platforms in wanted.items():
        for platform in platforms:
            target, conditions = toolchain.target(kind, platform), job.conditions.get(platform, frozenset())
            program = job.configuration.target_program(key, target, conditions)
            if program and target_variable(target, key.upper()) not in variables:
                found[program.key] = program
    return [*found.values()]


def _place(job: BuildJob, program: NamedProgram) -> str:
    """Return the place of a program's key as rustc would print it, or nothing if it is not known."""
    path = f"{job.root}/{SOURCE}/{program.file}"
    return f"{path}:{program.line}:1" if program.line and path.isprintable() else ""


def describe_script(job: BuildJob) -> str:
    """Return the script that writes descriptions of the crate and its dependencies for the host to copy out.

    It runs before anything of the crate, which could change them.
    """
    targets = (f"{each}={job.toolchain.target(job.crate.kind, each)}" for each in job.platforms)
    package = job.package_directory if job.crate.kind == "napi" else ""
    describe = with_arguments("describe-crate.sh", job.directory, job.workspace, package, METADATA, PACKAGES, *targets)
    return f"cd {shlex.quote(job.root)}\n{describe}"


def conditions_script(job: BuildJob) -> str:
    """Return the script that writes what rustc says about each platform, one "PLATFORM FACT" per line."""
    lines = (
        f"rustc --print cfg --target {job.toolchain.target(job.crate.kind, each)} | sed 's/^/{each} /'"
        for each in dict.fromkeys((*job.compiled_platforms, job.host))
    )
    return f"cd {shlex.quote(job.root)} && {{\n" + "\n".join(lines) + f"\n}} > {CONDITIONS}"


def collect_script(job: BuildJob) -> str:
    """Return the script that makes one tar of the staged files and prints its SHA-256."""
    root = shlex.quote(job.root)
    pack = f"tar --format=gnu --sort=name -cf {OUT_TAR} -C {OUT} ."
    return f"cd {root} && rm -rf {OUT_TAR} && {pack} && sha256sum {OUT_TAR}"


def load_script(job: BuildJob, tarballs: Mapping[str, str], load: str) -> str:
    """Return the script that installs the package into an empty directory, out of the source's reach, and loads it.

    `tarballs` are the files by npm name, the root package's first. npm takes the other packages from there, too. It is
    asked for the one for wasm32, which few users install.
    """
    own, *others = tarballs
    wasm = [name for name in others if name == platform_package(job.settings.platform_packages, "wasm32")]
    overrides = {name: f"file:../{PACKED}/{tarballs[name]}" for name in others if name not in wasm}
    wanted = shlex.join(f"../{PACKED}/{tarballs[name]}" for name in (own, *wasm))
    package_json = json.dumps({"private": True, "overrides": overrides})
    return (
        f"cd {shlex.quote(job.root)} && rm -rf {LOAD} && mkdir {LOAD} && mv {SOURCE} {HIDDEN_SOURCE}\n"
        f"cd {LOAD} && echo {shlex.quote(package_json)} > package.json\n"
        f"npm install --offline {NPM_OPTIONS} --loglevel=error {wanted}\n"
        f"{load}"
    )


def download_source(name: str, version: str) -> str:
    """Return lines that download one published crate; `cargo info` does so without resolving its dependencies."""
    return f"""cargo info --quiet {name}@{version} > /dev/null
mkdir -p {SOURCE} && cp -R "$CARGO_HOME"/registry/src/*/{name}-{version}/. {SOURCE}/
rm -f {SOURCE}/.cargo-ok"""


def _fetch_locked(job: BuildJob) -> str:
    manifest = f"{job.directory}/Cargo.toml"
    if not job.source.has_lock:
        return f"cargo fetch --manifest-path {shlex.quote(manifest)}"
    return with_arguments("fetch-locked.sh", manifest, f"{job.workspace}/Cargo.lock")
