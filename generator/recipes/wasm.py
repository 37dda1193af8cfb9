"""Recipe of wasm-bindgen crates: Cargo makes the module, wasm-bindgen the bindings for Node, bundlers and browsers."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Final

from generator.cargo.locks import parse_cargo_lock
from generator.errors import Unbuildable
from generator.packages.tarball import NpmPackage
from generator.packages.web import web_package
from generator.platforms import PLATFORMS, PlatformName
from generator.recipes.cargo import TEST_OPTIONS, cargo_test, copy_documents
from generator.recipes.cargo_target import target_variable
from generator.recipes.job import BuildJob, CrateMetadata, cdylib_name
from generator.recipes.recipe import Tool
from generator.recipes.test_run import HOST_ONLY, TestRun
from generator.scripts import with_arguments

# The crate that tests for wasm use, and the program of wasm-bindgen's command line that runs them.
TEST_CRATE: Final = "wasm-bindgen-test"
RUNNER: Final = "wasm-bindgen-test-runner"
# Rust has changed how wasm functions are called, and refuses older ones.
OLDEST: Final = (0, 2, 88)
_VERSION: Final = re.compile(r"[0-9A-Za-z.-]{1,40}")
# wasm-bindgen reads the file that its macro finds while compiling. Old versions bind no module for browsers then.
HIDE_PACKAGE_JSON: Final = "if [ -f package.json ]; then mv package.json package.json.hidden; fi\n"


class WebRecipe:
    """Modules for JavaScript: a cdylib that uses wasm-bindgen."""

    def tools(self, job: BuildJob, lock: str) -> tuple[Tool, ...]:
        """Return wasm-bindgen in the version that Cargo.lock names, because no other version reads the module.

        The runner of its tests comes with it: Cargo compiles the same dependencies for one program and for both.
        """
        versions = {each.name: each.version for each in reversed(parse_cargo_lock(lock).package)}
        version = versions.get("wasm-bindgen", "")
        if not _VERSION.fullmatch(version):
            raise Unbuildable(f"{job.crate.name} is of kind wasm and does not depend on wasm-bindgen")
        if _numbers(version) < OLDEST and job.toolchain.channel is None:
            raise Unbuildable(
                f"Cargo.lock has wasm-bindgen {version}, which current versions of Rust refuse: "
                "run `cargo update -p wasm-bindgen`"
            )
        return (Tool("wasm-bindgen-cli", version, ("wasm-bindgen", RUNNER)),)

    def compile(self, job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> str:
        """Compile the module for wasm32."""
        cdylib_name(job, metadata)
        build = job.crate.commands.build or job.cargo_target(platform).script("--offline --locked --release --lib")
        return f"{HIDE_PACKAGE_JSON}{build}" if metadata.npm_dependencies else build

    def test(self, job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> TestRun:
        """Run the crate's tests on the host, and its tests for wasm-bindgen in Node."""
        if platform == job.host:
            return cargo_test(job)
        if job.crate.commands.test:
            return TestRun(reason=HOST_ONLY)
        if not metadata.package.depends_on(TEST_CRATE):
            return TestRun(reason=f"the crate has no tests for it: they take {TEST_CRATE}")
        variable = target_variable(PLATFORMS[platform].target, "RUNNER")
        runner = f"export WASM_BINDGEN_TEST_ONLY_NODE=1 {variable}={shlex.quote(f'{job.tools}/{RUNNER}')}\n"
        return TestRun(runner + job.cargo_target(platform).test(f"{TEST_OPTIONS} --tests"), "Node", runner="cargo")

    def stage(self, job: BuildJob, metadata: CrateMetadata) -> str | None:
        """Copy the documents, and bind the module for Node, bundlers and browsers."""
        tool, target = f"{job.tools}/wasm-bindgen", PLATFORMS["wasm32"].target
        bind = with_arguments("stage-wasm.sh", tool, target, cdylib_name(job, metadata))
        return f"{copy_documents(job, metadata)}\n{bind}"

    def pack(self, job: BuildJob, metadata: CrateMetadata, staged: Path) -> tuple[NpmPackage, ...]:
        """Add package.json."""
        module = cdylib_name(job, metadata)
        return (web_package(job.identity(metadata.package), module, staged, metadata.npm_dependencies),)

    def load(self, job: BuildJob, metadata: CrateMetadata) -> tuple[str, str]:
        """Require and import the installed package."""
        name = json.dumps(job.settings.npm_name)
        check = (
            f"if (Object.keys(require({name})).length === 0) throw new Error('it exports nothing');"
            f"import({name}).catch((error) => {{ console.error(error); process.exit(1); }})"
        )
        return f"node -e {shlex.quote(check)}", f"require({name})"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(each) for each in re.findall(r"\d+", version)[:3])
