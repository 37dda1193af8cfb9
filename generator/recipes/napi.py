"""Recipe of napi addons: the crate's own package.json scripts, which call napi's command line."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Final

from generator.errors import Unbuildable
from generator.manifest.names import platform_package
from generator.npm.projects import NpmProject
from generator.packages.addon import addon_files, addon_packages, binary_name
from generator.packages.tarball import NpmPackage
from generator.platforms import PlatformName, addon_file, library_file
from generator.recipes.coverage import with_coverage
from generator.recipes.job import BuildJob, CrateMetadata, cdylib_name
from generator.recipes.npm_packages import NPM_OPTIONS, manager_lines, run_program, run_script
from generator.recipes.recipe import Tool
from generator.recipes.replay import record, replay
from generator.recipes.test_run import HOST_ONLY, TestRun, no_runtime, npm_with_node, own_runner
from generator.scripts import script
from generator.toolchain.toolchain import Runtime

_NO_PACKAGE_JSON: Final = (
    "kind napi needs a package.json with a napi key: beside Cargo.toml, or in `package` of its source"
)
# napi's build script links the start code of threads when it finds it beside the compiler that RUSTC names.
WASI: Final = 'RUSTC="$(rustc --print sysroot)/bin/rustc" && export RUSTC\n'


class AddonRecipe:
    """Addons for Node: a cdylib that exports napi's registration symbol, and the loader that napi writes."""

    def tools(self, job: BuildJob, lock: str) -> tuple[Tool, ...]:
        """Return nothing: napi's command line is a development dependency of the package."""
        return ()

    def compile(self, job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> str:
        """Run the package's build script, or napi's own build, for the host; replay its Cargo builds for others."""
        binary, cargo_target = binary_name(self._package_json(metadata)), job.cargo_target(platform)
        if platform == job.host:
            build, aliases = self._build(job, metadata), job.configuration.aliases
            return record(build, job.root, cargo_target, aliases, napi=True)
        if platform == "wasm32":  # napi writes the loader, too
            target = f"export CARGO_BUILD_TARGET={cargo_target.target}"
            return f"{cargo_target.exports}{WASI}{target}\n{self._build(job, metadata)}"
        library = library_file(cdylib_name(job, metadata), platform)
        built = f'"$CARGO_TARGET_DIR/{cargo_target.target}"/*/{library}'
        copy = f'cp "$(ls -t {built} | head -n 1)" "$addons"/{shlex.quote(addon_file(binary, platform))}'
        return f"{replay(job.root, cargo_target, platform)}\n{self._find_addons(job, binary)}{copy}"

    def test(self, job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> TestRun:
        """Run the package's test script; `cargo test` cannot link Node's symbols.

        For coverage the addon is built once more, instrumented. The package's files have left the sandbox by then.
        """
        own = job.crate.commands.test
        command = own or (run_script(self._npm(metadata), "test") if metadata.has_script("test") else None)
        if command is None:
            return TestRun()
        runner, hide_wasm = own_runner(own or metadata.script("test")), self._hide_wasm(job, metadata)
        if platform == job.host:
            built = f"{job.cargo_target(platform).exports}{self._build(job, metadata)}"
            tests = f"{hide_wasm}{command}"
            alone = f"{self._path(job, metadata)}{tests}"
            script = with_coverage(job, f"{built}\n{tests}") if job.measures_coverage else alone
            return TestRun(script, runner=runner)
        if own:
            return TestRun(reason=HOST_ONLY)
        if platform == "wasm32":
            return TestRun(self._test_wasm(job, metadata), "Node", runner=runner, needs_node=True)
        runtime = job.toolchain.runtime(platform)
        if runtime is None:
            return no_runtime(platform)
        if runtime.node is None:
            return TestRun(reason=f"there is no Node.js for {platform} on this machine")
        name = f"Node {runtime.node_version} under {runtime.name}"
        tests = self._path(job, metadata) + hide_wasm + npm_with_node(job, platform, runtime, "test")
        return TestRun(tests, name, runner=runner, needs_node=True)

    def _hide_wasm(self, job: BuildJob, metadata: CrateMetadata) -> str:
        """Hide the wasm. A loader that cannot load the addon uses the wasm instead, and the tests would pass."""
        if "wasm32" not in job.platforms:
            return ""
        binary = binary_name(self._package_json(metadata))
        wasm = f'"$addons"/{shlex.quote(_wasm_loader(binary))}'
        return f"{self._find_addons(job, binary)}if [ -f {wasm} ]; then mv {wasm} {wasm}.hidden; fi\n"

    def _test_wasm(self, job: BuildJob, metadata: CrateMetadata) -> str:
        """Run the tests with the wasm alone. An older loader would take the addon instead."""
        binary = binary_name(self._package_json(metadata))
        files = (addon_file(binary, job.host), _wasm_loader(binary))
        native, wasm = (f'"$addons"/{shlex.quote(each)}' for each in files)
        show_wasm = f"if [ -f {wasm}.hidden ]; then mv {wasm}.hidden {wasm}; fi"
        test = npm_with_node(job, "wasm32", Runtime("Node"), "test")
        return (
            f"{self._path(job, metadata)}{self._find_addons(job, binary)}rm -f {native}\n{show_wasm}\n"
            f"export NAPI_RS_FORCE_WASI=error\n{test}"
        )

    def stage(self, job: BuildJob, metadata: CrateMetadata) -> str | None:
        """Copy the files that npm would publish, and the addons."""
        binary = binary_name(self._package_json(metadata))
        addons = (file for platform in job.platforms for file in addon_files(binary, platform))
        dropped = "" if job.host in job.platforms else addon_file(binary, job.host)
        copy = shlex.quote(script("stage-npm-files.js"))
        return (
            f'npm pack --dry-run --json {NPM_OPTIONS} --loglevel=silent > "$OUT/../files.json"\n'
            f"{self._find_addons(job, binary)}"
            f'node -e {copy} "$OUT/../files.json" "$OUT" "$addons" {shlex.join((dropped, *addons))}'
        )

    def pack(self, job: BuildJob, metadata: CrateMetadata, staged: Path) -> tuple[NpmPackage, ...]:
        """Check package.json, and split the files into packages."""
        identity, layout = job.identity(metadata.package), job.settings.layout
        return addon_packages(identity, self._package_json(metadata), job.platforms, staged, layout)

    def load(self, job: BuildJob, metadata: CrateMetadata) -> tuple[str, str]:
        """Require the installed package, and its wasm by itself. A package without an export has not loaded its addon.

        The wasm is hidden while the addon is loaded, because a loader uses it instead of an addon that fails.
        """
        name, split = job.settings.npm_name, job.settings.layout == "split"
        exports = "if (Object.keys(require(process.argv[1])).length === 0) throw new Error('it exports nothing')"
        check, words = f"node -e {shlex.quote(exports)}", f"require({json.dumps(name)})"
        root = f"{check} {shlex.quote(name)}"
        if "wasm32" not in job.platforms:
            return root, words
        package = platform_package(job.settings.platform_packages, "wasm32") if split else name
        loader = _wasm_loader(binary_name(self._package_json(metadata)))
        place = f"{shlex.quote(f'./node_modules/{package}')} -name node_modules -prune"
        find = f"wasm=$(find {place} -o -name {shlex.quote(loader)} -print | head -n 1)"
        if job.host in job.platforms:
            root = f'mv "$wasm" "$wasm.hidden"\n{root}\nmv "$wasm.hidden" "$wasm"'
        by_itself = shlex.quote(package) if split else '"$wasm"'
        also = f"require({json.dumps(package)})" if split else f"its {loader}"
        return f"{find}\n{root}\n{check} {by_itself}", f"{words} and {also}"

    @staticmethod
    def _find_addons(job: BuildJob, binary: str) -> str:
        """Return a line that sets `addons` to the directory where the package's build has put its addons."""
        names = (addon_file(binary, job.host), addon_file(binary, "wasm32"))
        return f"addons=$(node -e {shlex.quote(script('addon-directory.js'))} {shlex.join(names)})\n"

    def _build(self, job: BuildJob, metadata: CrateMetadata) -> str:
        npm, default = self._npm(metadata), "napi build --platform --release"
        if job.package_path != job.source.directory:
            default += f" --output-dir . --manifest-path {shlex.quote(f'{job.directory}/Cargo.toml')}"
        build = run_script(npm, "build") if metadata.has_script("build") else run_program(npm, default)
        return f"{self._path(job, metadata)}{job.crate.commands.build or build}"

    def _path(self, job: BuildJob, metadata: CrateMetadata) -> str:
        return f"{manager_lines(job.root, self._npm(metadata))}\n"

    @staticmethod
    def _npm(metadata: CrateMetadata) -> NpmProject:
        if metadata.npm is None:
            raise Unbuildable(_NO_PACKAGE_JSON)
        return metadata.npm

    @staticmethod
    def _package_json(metadata: CrateMetadata) -> dict[str, object]:
        if metadata.package_json is None:
            raise Unbuildable(_NO_PACKAGE_JSON)
        return metadata.package_json


def _wasm_loader(binary: str) -> str:
    return addon_files(binary, "wasm32")[1]
