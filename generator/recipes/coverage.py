"""Coverage of a crate's tests by Rust's own instrumentation, measured with the field's tool, cargo-llvm-cov."""

from __future__ import annotations

import shlex
from typing import Final

from generator.platforms import PLATFORMS
from generator.recipes.job import BuildJob
from generator.recipes.recipe import Tool
from generator.toolchain.toolchain import LLVM_COV_VERSION

COVERAGE_TOOL: Final = Tool("cargo-llvm-cov", LLVM_COV_VERSION, ("cargo-llvm-cov",))
# Where the summary lies, below the sandbox's root.
SUMMARY: Final = "coverage.json"


def with_coverage(job: BuildJob, tests: str) -> str:
    """Return a script that runs `tests` with what they have Cargo build instrumented, and leaves a summary.

    This is the tool's way for tests that it does not run itself: `cargo llvm-cov` alone would leave out doc tests and
    examples. What is instrumented lies in a target directory of its own. The tests alone decide how the script ends.
    """
    root, tool = shlex.quote(job.root), f"{shlex.quote(job.tools)}/{COVERAGE_TOOL.programs[0]} llvm-cov"
    target = PLATFORMS[job.host].target  # a build script may name it, and then Cargo has a directory for it
    return f"""export CARGO_TARGET_DIR={root}/covered
if shown=$({tool} show-env --sh); then eval "$shown"; fi
(
{tests}
)
rm -rf {root}/{SUMMARY}
profile=dev
for each in {root}/covered/release {root}/covered/{target}/release; do [ ! -d "$each" ] || profile=release; done
{tool} report --profile $profile --target {target} --json --summary-only --output-path {root}/{SUMMARY} || true"""
