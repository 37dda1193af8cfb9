"""napi addons: the crate's own package.json scripts, which call napi's command line."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Final

from generator.errors import Unbuildable
from generator.manifest.names import platform_package
from generator.packages.addon import addon_files, addon_packages, binary_name
from generator.packages.tarball import NpmPackage
from generator.platforms import PLATFORMS, PlatformName
from generator.recipes.coverage import with_coverage
from generator.recipes.job import BuildJob, CrateMetadata, cdylib_name
from generator.recipes.recipe import NPM_OPTIONS, Tool
from generator.recipes.replay import record, replay
from generator.recipes.test_run import HOST_ONLY, NO_NODE, TestRun, no_runtime, npm_with_node
from generator.toolchain.toolchain import Runtime

# `npm pack` knows what `files`, .npmignore and npm's own rules make of a directory; the addons themselves are added,
# because packages that publish one package per platform leave them out. The host's is dropped where it was built for
# the loader's sake only.
STAGE = """npm pack --dry-run --json %(flags)s --loglevel=silent > "$OUT/../files.json"
node -e '
const fs = require("fs"), path = require("path");
const [list, out, dropped, ...addons] = process.argv.slice(1);
const named = JSON.parse(fs.readFileSync(list, "utf8"))[0].files.map((file) => file.path);
for (const name of new Set([...named.filter((name) => name !== dropped), ...addons.filter(fs.existsSync)])) {
  const to = path.join(out, name);
  fs.mkdirSync(path.dirname(to), { recursive: true });
  fs.copyFileSync(name, to);
}
' "$OUT/../files.json" "$OUT" %(addons)s"""

# napi's build script links what starts a module with threads, if it finds that beside the compiler that RUSTC names.
WASI: Final = 'RUSTC="$(rustc --print sysroot)/bin/rustc" && export RUSTC\n'

# What Cargo calls a cdylib: before and after its name.
LIBRARY_NAMES: Final = {"linux": ("lib", ".so"), "darwin": ("lib", ".dylib"), "win32": ("", ".dll")}


class AddonRecipe:
    """An addon for Node: a cdylib that exports napi's registration symbol, and the loader that napi writes."""

    def tools(self, job: BuildJob, lock: str) -> tuple[Tool, ...]:
        """None: napi's command line is one of the package's own development dependencies."""
        return ()

    def compile(self, job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> str:
        """Run the package's build script, or napi's own build; for other platforms repeat what it asked of Cargo."""
        binary, cargo_target = binary_name(self._declared(metadata)), job.cargo_target(platform)
        if platform == job.host:
            return record(self._build(job, metadata), job.root, cargo_target, napi=True)
        if platform == "wasm32":  # napi writes what loads it, too
            target = f"export CARGO_BUILD_TARGET={cargo_target.target}"
            return f"{cargo_target.exports}{WASI}{target}\n{self._build(job, metadata)}"
        before, after = LIBRARY_NAMES[PLATFORMS[platform].os]
        made = f'"$CARGO_TARGET_DIR/{cargo_target.target}"/*/{before}{cdylib_name(job, metadata)}{after}'
        addon = shlex.quote(addon_files(binary, platform)[0])
        return f'{replay(job.root, cargo_target, platform)}\ncp "$(ls -t {made} | head -n 1)" {addon}'

    def test(self, job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> TestRun:
        """Run the package's test script; `cargo test` does not link where the symbols are Node's.

        For coverage the addon is built once more, instrumented: what is shipped has left the sandbox by then.
        """
        own = job.crate.commands.test
        script = own or ("npm test" if metadata.has_script("test") else None)
        if script is None:
            return TestRun()
        native = self._without_wasm(job, metadata)
        if platform == job.host:
            built = f"{job.cargo_target(platform).exports}{self._build(job, metadata)}"
            return TestRun(
                with_coverage(job, f"{built}\n{native}{script}") if job.measures_coverage else f"{native}{script}"
            )
        if own:
            return TestRun(reason=HOST_ONLY)
        if platform == "wasm32":
            return TestRun(self._for_wasm(job, metadata), "Node", nothing_ran=NO_NODE)
        runtime = job.toolchain.runtime(platform)
        if runtime is None:
            return no_runtime(platform)
        if runtime.node is None:
            return TestRun(reason=f"there is no Node.js for {platform} on this machine")
        by = f"Node {runtime.node_version} under {runtime.name}"
        return TestRun(native + npm_with_node(job, platform, runtime, "test"), by, nothing_ran=NO_NODE)

    def _without_wasm(self, job: BuildJob, metadata: CrateMetadata) -> str:
        """Hide what a loader takes in the place of an addon that it cannot load: that would pass the tests, too."""
        if "wasm32" not in job.platforms:
            return ""
        wasm = shlex.quote(addon_files(binary_name(self._declared(metadata)), "wasm32")[1])
        return f"if [ -f {wasm} ]; then mv {wasm} {wasm}.hidden; fi\n"

    def _for_wasm(self, job: BuildJob, metadata: CrateMetadata) -> str:
        """Hide the addon, which an older loader takes in the place of the wasm."""
        binary = binary_name(self._declared(metadata))
        native, wasm = shlex.quote(addon_files(binary, job.host)[0]), shlex.quote(addon_files(binary, "wasm32")[1])
        shown = f"if [ -f {wasm}.hidden ]; then mv {wasm}.hidden {wasm}; fi"
        test = npm_with_node(job, "wasm32", Runtime("Node"), "test")
        return f"rm -f {native}\n{shown}\nexport NAPI_RS_FORCE_WASI=error\n{test}"

    def stage(self, job: BuildJob, metadata: CrateMetadata) -> str | None:
        """Copy what npm would publish, and the addons."""
        binary = binary_name(self._declared(metadata))
        addons = (file for platform in job.platforms for file in addon_files(binary, platform))
        dropped = "" if job.host in job.platforms else addon_files(binary, job.host)[0]
        return STAGE % {"flags": NPM_OPTIONS, "addons": shlex.join((dropped, *addons))}

    def pack(self, job: BuildJob, metadata: CrateMetadata, staged: Path) -> tuple[NpmPackage, ...]:
        """Check what package.json promises."""
        identity, layout = job.identity(metadata.package), job.settings.layout
        return addon_packages(identity, self._declared(metadata), job.platforms, staged, layout)

    def load(self, job: BuildJob, metadata: CrateMetadata) -> tuple[str, str]:
        """Require the installed package, and its wasm by itself; what has no export did not load its addon.

        The wasm is hidden from a loader that has an addon to load, for it would take that in its place.
        """
        name = job.settings.npm_name
        check = "if (Object.keys(require(%s)).length === 0) throw new Error('it exports nothing')"
        root = f"node -e {shlex.quote(check % json.dumps(name))}"
        if "wasm32" not in job.platforms:
            return root, f"require({json.dumps(name)})"
        split = job.settings.layout == "split"
        package = platform_package(name, "wasm32") if split else name
        wasm = f"./node_modules/{package}/{addon_files(binary_name(self._declared(metadata)), 'wasm32')[1]}"
        if job.host in job.platforms:
            file = shlex.quote(wasm)
            root = f"mv {file} {file}.hidden\n{root}\nmv {file}.hidden {file}"
        module = json.dumps(package if split else wasm)
        return f"{root}\nnode -e {shlex.quote(check % module)}", f"require({json.dumps(name)}) and require({module})"

    @staticmethod
    def _build(job: BuildJob, metadata: CrateMetadata) -> str:
        build = "npm run build" if metadata.has_script("build") else "npx --no-install napi build --platform --release"
        return job.crate.commands.build or build

    @staticmethod
    def _declared(metadata: CrateMetadata) -> dict[str, object]:
        if metadata.package_json is None:
            raise Unbuildable("kind napi needs a package.json with a napi key beside Cargo.toml")
        return metadata.package_json
