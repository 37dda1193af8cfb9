"""The coverage script, run by Bash with a small program instead of cargo-llvm-cov."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generator.cargo.metadata import Package, Target
from generator.manifest.crate_models import Commands, Crate
from generator.manifest.fleet_models import Fleet
from generator.manifest.settings import settings
from generator.manifest.source_models import PathSource
from generator.npm.projects import NpmProject
from generator.platforms import PlatformName
from generator.recipes.coverage import with_coverage
from generator.recipes.job import BuildJob, CrateMetadata
from generator.recipes.kinds import RECIPES
from generator.sandboxes.layout import COVERAGE_SUMMARY
from generator.sources.collect import CollectedSource
from generator.toolchain.toolchain import Toolchain
from tests.support import HANGS

# Prints a variable for show-env, and writes it and the target directory as the summary.
TOOL = """#!/bin/bash
case "$2" in
  show-env) echo "export FLAGS='two words'" ;;
  report) echo "$FLAGS in $CARGO_TARGET_DIR" > "${!#}" ;;
esac
"""
HOST: PlatformName = "linux-x64-gnu"
ABLE = Toolchain(HOST, frozenset(), frozenset({"cargo-zigbuild"}))
UNABLE = replace(ABLE, no_coverage="something is missing")


def job(root: Path | str = "/build", toolchain: Toolchain = ABLE, **crate: Any) -> BuildJob:
    entry = {"name": "x", "version": "1.0.0", "kind": "lib", "source": PathSource(path="x"), "coverage": True, **crate}
    model = Crate.model_validate(entry)
    chosen = settings(Fleet(npm_scope="@demo"), model)
    return BuildJob(model, chosen, CollectedSource(None, "x", "x", "", has_lock=True), (HOST,), toolchain, str(root))


def metadata(package_json: dict[str, Any] | None = None) -> CrateMetadata:
    target = Target(name="x", kind=("lib",), crate_types=("cdylib",))
    package = Package(id="x", name="x", version="1.0.0", manifest_path="/build/source/x/Cargo.toml", targets=(target,))
    return CrateMetadata(package, package_json, npm=NpmProject("crate", "crate", "npm"))


def run(root: Path, tests: str, tool: str = TOOL) -> tuple[int, str | None]:
    """Run tests for coverage, and return the script's exit code and summary."""
    (root / "tools").mkdir(parents=True)
    (root / "tools/cargo-llvm-cov").write_text(tool)
    (root / "tools/cargo-llvm-cov").chmod(0o755)
    script = f"set -euo pipefail\n{with_coverage(job(root), tests)}"
    done = subprocess.run(["bash", "-c", script], cwd=root, check=False, timeout=HANGS)  # noqa: TID251
    summary = root / COVERAGE_SUMMARY
    return done.returncode, summary.read_text() if summary.exists() else None


def test_tests_run_with_the_tools_variables_and_in_a_target_directory_of_their_own(tmp_path: Path) -> None:
    code, summary = run(tmp_path / "a b", 'echo "$FLAGS" > said\ncd / && exit 0')
    assert (code, summary) == (0, f"two words in {tmp_path}/a b/covered\n")
    assert (tmp_path / "a b/said").read_text() == "two words\n"


@pytest.mark.parametrize("tests", ["exit 7", "(exit 7)\ntrue", "cd / && exit 7"])
def test_tests_that_fail_fail_the_script_and_leave_no_summary(tmp_path: Path, tests: str) -> None:
    assert run(tmp_path, tests) == (7, None)


@pytest.mark.parametrize("broken", ["show-env", "report"])
def test_a_tool_that_fails_fails_no_tests(tmp_path: Path, broken: str) -> None:
    code, summary = run(tmp_path, "true", TOOL.replace('case "$2"', f'[ "$2" != {broken} ] || exit 3\ncase "$2"'))
    assert code == 0
    assert summary is None or "two words" not in summary


def test_the_hosts_own_compiler_builds_what_is_instrumented() -> None:
    for kind in ("lib", "bin", "wasm"):
        script = str(RECIPES[kind].test(job(kind=kind), metadata(), HOST).script)
        assert "\ncargo test --offline --locked --release --no-fail-fast\n" in script
        assert "zigbuild" not in script


def test_an_addon_is_built_once_more_and_its_own_tests_follow() -> None:
    declared = {"napi": {"binaryName": "x"}, "scripts": {"build": "napi build", "test": "node --test"}}
    script = str(RECIPES["napi"].test(job(kind="napi"), metadata(declared), HOST).script)
    assert "\nnpm run build\nnpm run test\n" in script
    assert RECIPES["napi"].test(job(kind="napi"), metadata({"napi": {}}), HOST).script is None


@pytest.mark.parametrize("kind", ["lib", "napi"])
def test_a_test_command_of_the_manifests_is_measured_too(kind: Any) -> None:
    script = RECIPES[kind].test(job(kind=kind, commands=Commands(test="make check")), metadata({"napi": {}}), HOST)
    assert "\nmake check\n" in str(script.script)


@pytest.mark.parametrize("other", [job(coverage=False), job(toolchain=UNABLE), job(tests=False)])
def test_nothing_is_instrumented_where_it_is_not_asked_for_or_not_possible(other: BuildJob) -> None:
    assert "llvm-cov" not in str(RECIPES["lib"].test(other, metadata(), HOST).script)
