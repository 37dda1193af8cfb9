"""wasm-bindgen crates: Cargo for the module, then wasm-bindgen for the three ways JavaScript loads it."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Final

from generator.errors import Unbuildable
from generator.packages.tarball import NpmPackage
from generator.packages.web import web_package
from generator.platforms import PLATFORMS, PlatformName
from generator.recipes.cargo import TEST_OPTIONS, cargo_test, copy_documents
from generator.recipes.cargo_target import target_variable
from generator.recipes.job import BuildJob, CrateMetadata, cdylib_name
from generator.recipes.recipe import Tool
from generator.recipes.test_run import HOST_ONLY, TestRun

# The crate that tests for wasm use, and what of wasm-bindgen's command line runs them.
TEST_CRATE: Final = "wasm-bindgen-test"
RUNNER: Final = "wasm-bindgen-test-runner"
BROWSER: Final = ("only configured to run in a browser", "its tests for wasm want a browser")

# The three outputs share one wasm file and one directory: only the names of their entry files collide, and none of
# these is named in another.
STAGE = """rm -rf "$OUT/../bound" && mkdir "$OUT/../bound"
for each in nodejs bundler web; do
  %(tool)s "$CARGO_TARGET_DIR/%(target)s/release/%(module)s.wasm" --target "$each" \\
    --out-dir "$OUT/../bound/$each" --out-name %(module)s
done
%(documents)s
cd "$OUT/../bound"
for each in bundler web; do
  cmp nodejs/%(module)s_bg.wasm "$each/%(module)s_bg.wasm" || {
    echo "error: wasm-bindgen made different modules for Node and for $each" >&2; exit 1
  }
done
cp -R bundler/. "$OUT/"
sed "s|\\./%(module)s\\.d\\.ts|./%(module)s.d.cts|" nodejs/%(module)s.js > "$OUT/%(module)s.cjs"
cp nodejs/%(module)s.d.ts "$OUT/%(module)s.d.cts"
sed "s|\\./%(module)s\\.d\\.ts|./%(module)s_web.d.ts|" web/%(module)s.js > "$OUT/%(module)s_web.js"
cp web/%(module)s.d.ts "$OUT/%(module)s_web.d.ts"
cat > "$OUT/%(module)s_browser.js" <<'END'
import init from "./%(module)s_web.js";
await init();
export * from "./%(module)s_web.js";
END"""


class WebRecipe:
    """A module for JavaScript: a cdylib that uses wasm-bindgen."""

    def tools(self, job: BuildJob, lock: str) -> tuple[Tool, ...]:
        """Ask for the wasm-bindgen of the very version that the crate is locked to: no other reads its module.

        And for what runs tests in Node, where the crate has such.
        """
        if not (found := re.search(r'^name = "wasm-bindgen"\nversion = "([0-9A-Za-z.-]{1,40})"$', lock, re.MULTILINE)):
            raise Unbuildable(f"{job.crate.name} is of kind wasm and does not depend on wasm-bindgen")
        tests = f'name = "{TEST_CRATE}"\n' in lock and job.settings.tests and job.settings.foreign_tests
        return (Tool("wasm-bindgen-cli", found[1], ("wasm-bindgen", *((RUNNER,) if tests else ()))),)

    def compile(self, job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> str:
        """Compile the module for wasm32."""
        cdylib_name(job, metadata)
        own = job.crate.commands.build
        return own or job.cargo_target(platform).script("--offline --locked --release --lib")

    def test(self, job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> TestRun:
        """Run the crate's tests on the host, and those that are marked for wasm-bindgen in Node."""
        if platform == job.host:
            return cargo_test(job)
        if job.crate.commands.test:
            return TestRun(reason=HOST_ONLY)
        if TEST_CRATE not in metadata.package.dependencies:
            return TestRun(reason=f"the crate has no tests for it: they take {TEST_CRATE}")
        variable = target_variable(PLATFORMS[platform].target, "RUNNER")
        runner = f"export WASM_BINDGEN_TEST_ONLY_NODE=1 {variable}={shlex.quote(f'{job.tools}/{RUNNER}')}\n"
        return TestRun(runner + job.cargo_target(platform).test(f"{TEST_OPTIONS} --tests"), "Node", nothing_ran=BROWSER)

    def stage(self, job: BuildJob, metadata: CrateMetadata) -> str | None:
        """Bind the module for Node, for bundlers and for browsers."""
        return STAGE % {
            "tool": shlex.quote(f"{job.tools}/wasm-bindgen"),
            "target": PLATFORMS["wasm32"].target,
            "module": cdylib_name(job, metadata),
            "documents": copy_documents(job),
        }

    def pack(self, job: BuildJob, metadata: CrateMetadata, staged: Path) -> tuple[NpmPackage, ...]:
        """Add package.json."""
        return (web_package(job.identity(metadata.package), cdylib_name(job, metadata), staged),)

    def load(self, job: BuildJob, metadata: CrateMetadata) -> tuple[str, str]:
        """Require and import the installed package."""
        name = json.dumps(job.settings.npm_name)
        check = (
            f"if (Object.keys(require({name})).length === 0) throw new Error('it exports nothing');"
            f"import({name}).catch((error) => {{ console.error(error); process.exit(1); }})"
        )
        return f"node -e {shlex.quote(check)}", f"require({name})"
