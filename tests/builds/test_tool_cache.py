"""What is made once for a machine: kept whole, made anew where it is not, and never a reason for a crate to fail."""

from __future__ import annotations

import os
import tarfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from generator.audit.rules import MinimumVersions
from generator.builds.environment import BuildEnvironment
from generator.builds.log import CrateLog
from generator.builds.tool_cache import ToolCache
from generator.recipes.prebuilt import Prebuilt
from generator.redaction import Redactor
from generator.reports.models import CrateReport, PhaseName
from generator.sandboxes.contract import SIZES, Usage
from generator.sandboxes.layout import PREBUILT_TAR
from generator.sandboxes.local.backend import LocalBackend
from generator.toolchain.host import find_host_toolchain
from generator.toolchain.toolchain import Toolchain

STOCK = Prebuilt("thing-1.0", "making a thing", None, f"echo made > thing\ntar -cf {PREBUILT_TAR} thing")


class Silence:
    """Nobody watches."""

    def line(self, crate: str, text: str) -> None: ...

    def phase(self, crate: str, phase: PhaseName) -> None: ...

    def finished(self, report: CrateReport) -> None: ...


@pytest.mark.attack("tools that were made without isolation are not taken up with it", entry="W5")
def test_what_other_machines_of_the_same_home_have_made_is_not_for_this_one(tmp_path: Path) -> None:
    """A program for another processor does not start here, nor one that was linked against a newer glibc."""
    backend = LocalBackend(find_host_toolchain(os.environ), threading.Event(), directory=tmp_path)
    environment = BuildEnvironment(
        backend, SIZES, Toolchain("linux-x64-gnu", frozenset()), "rustc 1.95.0", isolated=True
    )
    arm = replace(environment, toolchain=replace(environment.toolchain, host="linux-arm64-gnu"))
    newer = replace(environment, minimum_versions=MinimumVersions(glibc="2.39"))
    reachable = replace(environment, isolated=False)
    assert len({each.tool_cache_key for each in (environment, arm, newer, reachable)}) == 4


@pytest.fixture
def ask(tmp_path: Path) -> Callable[[], tuple[Path, int]]:
    """Ask the shelf for the thing: where it lies, and how many sandboxes it took."""
    environ = {**os.environ, "npm_config_registry": "https://npm.invalid/"}
    stop = threading.Event()
    backend = LocalBackend(find_host_toolchain(os.environ), stop, directory=tmp_path / "cache", environ=environ)
    tool_cache = ToolCache(tmp_path / "tools", backend, SIZES["small"], "this toolchain")

    def archive() -> tuple[Path, int]:
        used: list[Usage] = []
        with CrateLog("one", (tmp_path / "one.log").open("w"), Silence(), Redactor()) as log:
            return tool_cache.archive(STOCK, log, stop, used), len(used)

    return archive


def test_it_is_made_once(ask: Callable[[], tuple[Path, int]]) -> None:
    path, sandboxes = ask()
    with tarfile.open(path) as tar:
        assert tar.getnames() == ["thing"]
    assert (sandboxes, ask()) == (1, (path, 0))


@pytest.mark.parametrize("left", [b"", b"half of it", None])
@pytest.mark.attack("a tool that is not what was made is made anew")
def test_what_is_no_longer_what_was_made_is_made_anew(ask: Callable[[], tuple[Path, int]], left: bytes | None) -> None:
    """As after a power failure, or where a cache was tidied up."""
    path, _ = ask()
    path.unlink() if left is None else path.write_bytes(left)
    assert ask() == (path, 1)
    with tarfile.open(path) as tar:
        assert tar.getnames() == ["thing"]


def test_what_a_killed_run_has_left_is_taken_over(ask: Callable[[], tuple[Path, int]]) -> None:
    path, _ = ask()
    path.with_suffix(".sha256").unlink()
    path.with_suffix(".part").write_bytes(b"half of it")
    assert ask() == (path, 1)
    assert {each.suffix for each in path.parent.iterdir()} == {".tar", ".sha256", ".lock"}
