"""wasm-bindgen crates: Cargo for the module, then wasm-bindgen for the three ways JavaScript loads it."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

from generator.errors import Unbuildable
from generator.packages.tarball import NpmPackage
from generator.packages.web import web_package
from generator.platforms import PLATFORMS, PlatformName
from generator.recipes.cargo import cargo_test, copy_documents
from generator.recipes.job import Described, Job, cdylib
from generator.recipes.recipe import Tool

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

    def tools(self, job: Job, lock: str) -> tuple[Tool, ...]:
        """Ask for the wasm-bindgen of the very version that the crate is locked to: no other reads its module."""
        if not (found := re.search(r'^name = "wasm-bindgen"\nversion = "([0-9A-Za-z.-]{1,40})"$', lock, re.MULTILINE)):
            raise Unbuildable(f"{job.crate.name} is of kind wasm and does not depend on wasm-bindgen")
        return (Tool("wasm-bindgen-cli", found[1], "wasm-bindgen"),)

    def compile(self, job: Job, described: Described, platform: PlatformName) -> str:
        """Compile the module for wasm32."""
        cdylib(job, described)
        own = job.crate.commands.build
        return own or job.crossing(platform).script("--offline --locked --release --lib")

    def test(self, job: Job, described: Described) -> str | None:
        """Run the crate's tests on the host; those marked for wasm-bindgen compile to nothing there."""
        return cargo_test(job)

    def stage(self, job: Job, described: Described) -> str | None:
        """Bind the module for Node, for bundlers and for browsers."""
        return STAGE % {
            "tool": shlex.quote(f"{job.tools}/wasm-bindgen"),
            "target": PLATFORMS["wasm32"].target,
            "module": cdylib(job, described),
            "documents": copy_documents(job),
        }

    def pack(self, job: Job, described: Described, staged: Path) -> tuple[NpmPackage, ...]:
        """Add package.json."""
        return (web_package(job.identity(described.package), cdylib(job, described), staged),)

    def load(self, job: Job, described: Described) -> tuple[str, str]:
        """Require and import the installed package."""
        name = json.dumps(job.settings.npm_name)
        check = (
            f"if (Object.keys(require({name})).length === 0) throw new Error('it exports nothing');"
            f"import({name}).catch((error) => {{ console.error(error); process.exit(1); }})"
        )
        return f"node -e {shlex.quote(check)}", f"require({name})"
