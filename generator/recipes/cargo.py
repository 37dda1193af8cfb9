"""Libraries and command-line programs: Cargo alone."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from generator.errors import Unbuildable
from generator.packages.commands import check_names
from generator.packages.program import program_packages
from generator.packages.tarball import NpmPackage
from generator.platforms import PLATFORMS, PlatformName
from generator.recipes.coverage import with_coverage
from generator.recipes.job import BuildJob, CrateMetadata
from generator.recipes.recipe import Tool
from generator.recipes.replay import RECORD, record, replay
from generator.recipes.test_run import HOST_ONLY, TestRun, no_runtime, set_runner

# Every test, also after the first failure; the network is closed.
TEST_OPTIONS: Final = "--offline --locked --release --no-fail-fast"


def cargo_test(job: BuildJob) -> TestRun:
    """Run the tests on the host; what zig has compiled for it is not compiled again, unless coverage is measured."""
    host, own = job.cargo_target(job.host), job.crate.commands
    if job.measures_coverage:
        return TestRun(with_coverage(job, own.test or f"cargo test {TEST_OPTIONS}"))
    anew = host.target is None or job.crate.kind == "wasm" or own.build
    return TestRun(own.test or (f"cargo test {TEST_OPTIONS}" if anew else host.test(TEST_OPTIONS)))


def cargo_test_run(job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> TestRun:
    """Run the tests on the host, or on another platform by what runs its programs here."""
    if platform == job.host:
        return cargo_test(job)
    if job.crate.commands.test:
        return TestRun(reason=HOST_ONLY)
    runtime = job.toolchain.runtime(platform)
    if runtime is None:
        return no_runtime(platform)
    target = job.toolchain.target(job.crate.kind, platform)
    started = set_runner(job.root, target, platform, runtime, metadata.package.programs)
    return TestRun(started + job.cargo_target(platform).test(TEST_OPTIONS), runtime.name)


def cargo_build(job: BuildJob, platform: PlatformName, which: str) -> str:
    """Compile for a platform; what the crate's own build command asks of Cargo is asked again of other linkers."""
    cargo_target, own = job.cargo_target(platform), job.crate.commands.build
    if own is None:
        return cargo_target.script(f"--offline --locked --release {which}")
    again = replay(job.root, cargo_target, platform)
    if platform != job.host:
        return again
    first = record(own, job.root, cargo_target, napi=False)
    return f"{first}\nif [ -s {shlex.quote(job.root)}/{RECORD} ]; then\n{again}\nfi" if cargo_target.target else first


def copy_documents(job: BuildJob) -> str:
    """Copy the crate's README and license files into the package: what npm publishes beside the code."""
    names = " -o ".join(f"-name '{each}*'" for each in ("README", "LICENSE", "LICENCE", "COPYING"))
    return f'find {shlex.quote(job.directory)} -maxdepth 1 -type f \\( {names} \\) -exec cp -t "$OUT" {{}} +'


class LibraryRecipe:
    """A library is compiled and tested; no package comes of it."""

    def tools(self, job: BuildJob, lock: str) -> tuple[Tool, ...]:
        """None: Cargo does it all."""
        return ()

    def compile(self, job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> str:
        """Compile the library, or everything where the crate has none."""
        which = "--lib" if metadata.package.library else "--bins"
        return cargo_build(job, platform, which)

    def test(self, job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> TestRun:
        """Run the crate's tests."""
        return cargo_test_run(job, metadata, platform)

    def stage(self, job: BuildJob, metadata: CrateMetadata) -> str | None:
        """Nothing: there is no package."""
        return None

    def pack(self, job: BuildJob, metadata: CrateMetadata, staged: Path) -> tuple[NpmPackage, ...]:
        """Nothing: there is no package."""
        return ()

    def load(self, job: BuildJob, metadata: CrateMetadata) -> tuple[str, str]:
        """Nothing: there is no package."""
        return "", ""


class ProgramRecipe:
    """Command-line programs, behind a small shim for npm."""

    def tools(self, job: BuildJob, lock: str) -> tuple[Tool, ...]:
        """None: Cargo does it all."""
        return ()

    def compile(self, job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> str:
        """Compile every program of the crate."""
        if not metadata.package.programs:
            raise Unbuildable(f"{job.crate.name} is a bin in the manifest and has no program: use kind lib")
        check_names(metadata.package.programs)
        return cargo_build(job, platform, "--bins")

    def test(self, job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> TestRun:
        """Run the crate's tests."""
        return cargo_test_run(job, metadata, platform)

    def stage(self, job: BuildJob, metadata: CrateMetadata) -> str | None:
        """Lay each platform's programs out as bin/PLATFORM/PROGRAM."""
        lines = [copy_documents(job)]
        for platform in job.platforms:
            suffix = ".exe" if PLATFORMS[platform].os == "win32" else ""
            names = " ".join(shlex.quote(f"{name}{suffix}") for name in metadata.package.programs)
            lines.append(
                f'mkdir -p "$OUT/bin/{platform}" && cd "$CARGO_TARGET_DIR/{job.cargo_target(platform).directory}" '
                f'&& install -m 755 {names} "$OUT/bin/{platform}/"'
            )
        return "\n".join(lines)

    def pack(self, job: BuildJob, metadata: CrateMetadata, staged: Path) -> tuple[NpmPackage, ...]:
        """Add package.json and a shim per program."""
        identity, layout = job.identity(metadata.package), job.settings.layout
        return program_packages(identity, metadata.package.programs, staged, layout)

    def load(self, job: BuildJob, metadata: CrateMetadata) -> tuple[str, str]:
        """Start each program: any exit code but those of a shell or a shim that could not start it."""
        names = metadata.package.programs
        checks = [
            f"code=0; timeout -k 1 20 npx --no-install {shlex.quote(name)} --version < /dev/null || code=$?\n"
            f'case "$code" in 126|127|13[0-9]) echo "error: {name} does not start: exit $code" >&2; exit 1;; esac'
            for name in names
        ]
        return "\n".join(checks), " && ".join(f"npx {name} --version" for name in names)
