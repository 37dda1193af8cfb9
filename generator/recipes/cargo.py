"""Recipes that need Cargo alone: libraries and command-line programs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from generator.cargo.directories import resolve_path
from generator.cargo.packaging import DOCUMENT_FILE, document_name
from generator.errors import Unbuildable
from generator.packages.commands import check_names
from generator.packages.program import program_packages
from generator.packages.tarball import NpmPackage
from generator.platforms import PLATFORMS, PlatformName, program_directory, program_file
from generator.recipes.coverage import with_coverage
from generator.recipes.job import BuildJob, CrateMetadata
from generator.recipes.recipe import Tool
from generator.recipes.replay import has_record, record, replay
from generator.recipes.test_run import HOST_ONLY, TestRun, no_runtime, own_runner, set_runner
from generator.sandboxes.layout import source_path
from generator.scripts import with_arguments

# The network is closed. A failed test stops no other test.
TEST_OPTIONS: Final = "--offline --locked --release --no-fail-fast"


def cargo_test(job: BuildJob) -> TestRun:
    """Return the test run on the host. It reuses what zig has compiled for the host, unless coverage is measured."""
    host, commands = job.cargo_target(job.host), job.crate.commands
    runner = own_runner(commands.test) if commands.test else "cargo"
    anew = f"cargo test {TEST_OPTIONS}"
    if job.configuration.names_target:  # which may be another platform
        anew += f" --target {PLATFORMS[job.host].target}"
    if job.measures_coverage:
        return TestRun(with_coverage(job, commands.test or anew), runner=runner)
    compiles_anew = host.target is None or job.crate.kind == "wasm" or commands.build
    return TestRun(commands.test or (anew if compiles_anew else host.test(TEST_OPTIONS)), runner=runner)


def cargo_test_run(job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> TestRun:
    """Return the test run on the host, or on another platform by the runtime that this machine has for it."""
    if platform == job.host:
        return cargo_test(job)
    if job.crate.commands.test:
        return TestRun(reason=HOST_ONLY)
    runtime = job.toolchain.runtime(platform)
    if runtime is None:
        return no_runtime(platform)
    target = job.toolchain.target(job.crate.kind, platform)
    runner = set_runner(job.root, target, platform, runtime, metadata.package.programs)
    return TestRun(runner + job.cargo_target(platform).test(TEST_OPTIONS), runtime.name, runner="cargo")


def cargo_build(job: BuildJob, platform: PlatformName, options: str) -> str:
    """Return the script that compiles for a platform. The crate's own build command runs once, and is then replayed."""
    cargo_target, command = job.cargo_target(platform), job.crate.commands.build
    if command is None:
        return cargo_target.script(f"--offline --locked --release {options}")
    again = replay(job.root, cargo_target, platform)
    if platform != job.host:
        return again
    first = record(command, job.root, cargo_target, job.configuration.aliases, napi=False)
    return f"{first}\nif {has_record(job.root)}; then\n{again}\nfi" if cargo_target.target else first


def copy_documents(job: BuildJob, metadata: CrateMetadata) -> str:
    """Return the script that copies the crate's README and license files, which npm publishes, into the package."""
    package, source = metadata.package, source_path(job.root, ".")
    named = ((package.readme, "README"), (package.license_file, "LICENSE"))
    pairs = (
        (source_path(job.root, path), document_name(path, name))
        for file, name in named
        if file is not None and (path := resolve_path(job.source.directory, file)) is not None
    )
    arguments = (job.directory, source, DOCUMENT_FILE.pattern, *(word for pair in pairs for word in pair))
    return with_arguments("copy-documents.sh", *arguments)


class LibraryRecipe:
    """A library is compiled and tested. It has no package."""

    def tools(self, job: BuildJob, lock: str) -> tuple[Tool, ...]:
        """Return nothing: Cargo is enough."""
        return ()

    def compile(self, job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> str:
        """Compile the library, or the programs of a crate without one."""
        options = "--lib" if metadata.package.library else "--bins"
        return cargo_build(job, platform, options)

    def test(self, job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> TestRun:
        """Run the crate's tests."""
        return cargo_test_run(job, metadata, platform)

    def stage(self, job: BuildJob, metadata: CrateMetadata) -> str | None:
        """Return None: there is no package."""
        return None

    def pack(self, job: BuildJob, metadata: CrateMetadata, staged: Path) -> tuple[NpmPackage, ...]:
        """Return nothing: there is no package."""
        return ()

    def load(self, job: BuildJob, metadata: CrateMetadata) -> tuple[str, str]:
        """Return nothing: there is no package."""
        return "", ""


class ProgramRecipe:
    """Command-line programs. Each gets a small shim for npm."""

    def tools(self, job: BuildJob, lock: str) -> tuple[Tool, ...]:
        """Return nothing: Cargo is enough."""
        return ()

    def compile(self, job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> str:
        """Compile the package's programs."""
        names = job.programs(metadata.package)
        if not names:
            raise Unbuildable(f"{job.crate.name} is a bin in the manifest and has no program: use kind lib")
        check_names(names)
        options = "--bins" if job.crate.programs is None else " ".join(f"--bin {shlex.quote(each)}" for each in names)
        return cargo_build(job, platform, options)

    def test(self, job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> TestRun:
        """Run the crate's tests."""
        return cargo_test_run(job, metadata, platform)

    def stage(self, job: BuildJob, metadata: CrateMetadata) -> str | None:
        """Copy each platform's programs to bin/PLATFORM/PROGRAM."""
        lines = [copy_documents(job, metadata)]
        for platform in job.platforms:
            names = shlex.join(program_file(name, platform) for name in job.programs(metadata.package))
            directory = f'"$OUT/{program_directory(platform)}'
            lines.append(
                f'mkdir -p {directory}" && cd "$CARGO_TARGET_DIR/{job.cargo_target(platform).directory}" '
                f'&& install -m 755 {names} {directory}/"'
            )
        return "\n".join(lines)

    def pack(self, job: BuildJob, metadata: CrateMetadata, staged: Path) -> tuple[NpmPackage, ...]:
        """Add package.json and a shim per program."""
        identity, layout = job.identity(metadata.package), job.settings.layout
        return program_packages(identity, job.programs(metadata.package), staged, layout)

    def load(self, job: BuildJob, metadata: CrateMetadata) -> tuple[str, str]:
        """Start each program with --version. Its own exit code does not matter."""
        names = job.programs(metadata.package)
        return with_arguments("start-programs.sh", *names), " && ".join(f"npx {name} --version" for name in names)
