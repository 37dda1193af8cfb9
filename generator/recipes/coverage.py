"""Test coverage by Rust's own instrumentation, measured with cargo-llvm-cov."""

from __future__ import annotations

import shlex
from typing import Final

from generator.platforms import PLATFORMS
from generator.recipes.job import BuildJob
from generator.recipes.recipe import Tool
from generator.sandboxes.layout import COVERAGE_SUMMARY, COVERED
from generator.scripts import with_arguments
from generator.toolchain.toolchain import LLVM_COV_VERSION

COVERAGE_TOOL: Final = Tool("cargo-llvm-cov", LLVM_COV_VERSION, ("cargo-llvm-cov",))


def with_coverage(job: BuildJob, tests: str) -> str:
    """Return a script that runs `tests` with instrumented builds and writes a coverage summary.

    `cargo llvm-cov` alone would miss doc tests and examples, so the tests run with the variables of `show-env`.
    Instrumented builds have a target directory of their own. The script's exit code is that of the tests.
    """
    tool, directory = f"{job.tools}/{COVERAGE_TOOL.programs[0]}", f"{job.root}/{COVERED}"
    summary = f"{job.root}/{COVERAGE_SUMMARY}"
    report = with_arguments("coverage-summary.sh", tool, directory, PLATFORMS[job.host].target, summary)
    return (
        f"export CARGO_TARGET_DIR={shlex.quote(directory)}\n"
        f'if shown=$({shlex.quote(tool)} llvm-cov show-env --sh); then eval "$shown"; fi\n'
        f"(\n{tests}\n)\n{report}"
    )
