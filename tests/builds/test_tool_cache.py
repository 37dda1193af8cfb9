"""The tool cache: archives are built once, built again when damaged, and separate for each environment."""

from __future__ import annotations

import os
import tarfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import replace
from pathlib import Path

import pytest

from generator.audit.rules import MinimumVersions
from generator.builds.environment import BuildEnvironment, Conditions
from generator.builds.failures import RunStopped
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

PREBUILT = Prebuilt("thing-1.0", "making a thing", None, f"echo made > thing\ntar -cf {PREBUILT_TAR} thing")


class SilentObserver:
    """An observer that shows nothing."""

    def line(self, crate: str, text: str) -> None: ...

    def phase(self, crate: str, phase: PhaseName) -> None: ...

    def finished(self, report: CrateReport) -> None: ...


@pytest.mark.attack("tools that were built without isolation are not used with it", entry="W5")
def test_machines_with_the_same_home_have_separate_archives(tmp_path: Path) -> None:
    """A program for another processor does not start here; neither does one for a newer glibc."""
    backend = LocalBackend(find_host_toolchain(os.environ), threading.Event(), directory=tmp_path)
    this = Conditions("local", Toolchain("linux-x64-gnu", frozenset()), "rustc 1.95.0", isolated=True)
    arm = replace(this, toolchain=replace(this.toolchain, host="linux-arm64-gnu"))
    newer = replace(this, minimum_versions=MinimumVersions(glibc="2.39"))
    reachable = replace(this, isolated=False)
    keys = {BuildEnvironment(backend, SIZES, each).tool_cache_key for each in (this, arm, newer, reachable)}
    assert len(keys) == 4


@pytest.fixture
def ask(tmp_path: Path) -> Callable[[], tuple[Path, int]]:
    """Get the archive from the tool cache: its path, and the number of sandboxes that were used."""
    environ = {**os.environ, "npm_config_registry": "https://npm.invalid/"}
    stop = threading.Event()
    backend = LocalBackend(find_host_toolchain(os.environ), stop, directory=tmp_path / "cache", environ=environ)
    tool_cache = ToolCache(tmp_path / "tools", backend, SIZES["small"], "this toolchain", stop)

    def archive() -> tuple[Path, int]:
        used: list[Usage] = []
        with CrateLog("one", (tmp_path / "one.log").open("w"), SilentObserver(), Redactor()) as log:
            return tool_cache.archive(PREBUILT, log, used.append), len(used)

    return archive


def test_an_archive_is_built_once(ask: Callable[[], tuple[Path, int]]) -> None:
    path, sandboxes = ask()
    with tarfile.open(path) as tar:
        assert tar.getnames() == ["thing"]
    assert (sandboxes, ask()) == (1, (path, 0))


@pytest.mark.parametrize("left", [b"", b"half of it", None])
@pytest.mark.attack("a damaged tool is built again")
def test_a_damaged_archive_is_built_again(ask: Callable[[], tuple[Path, int]], left: bytes | None) -> None:
    """As after a power failure, or in a cache that was cleaned."""
    path, _ = ask()
    path.unlink() if left is None else path.write_bytes(left)
    assert ask() == (path, 1)
    with tarfile.open(path) as tar:
        assert tar.getnames() == ["thing"]


def test_leftovers_of_a_killed_run_are_replaced(ask: Callable[[], tuple[Path, int]]) -> None:
    path, _ = ask()
    path.with_suffix(".sha256").unlink()
    path.with_suffix(".part").write_bytes(b"half of it")
    assert ask() == (path, 1)
    assert {each.suffix for each in path.parent.iterdir()} == {".tar", ".sha256", ".lock"}


def test_waiting_for_another_builder_ends_with_the_run(tmp_path: Path) -> None:
    """The builder is another thread, as in a run with two jobs."""
    stop, held, released = threading.Event(), threading.Event(), threading.Event()
    backend = LocalBackend(find_host_toolchain(os.environ), stop, directory=tmp_path / "cache")
    tool_cache = ToolCache(tmp_path / "tools", backend, SIZES["small"], "this toolchain", stop)
    path = tmp_path / "thing.lock"

    def build() -> None:
        with tool_cache._locked(path):
            held.set()
            released.wait(60)

    with ThreadPoolExecutor() as pool:
        builder = pool.submit(build)
        assert held.wait(60)
        waiter = pool.submit(tool_cache._locked(path).__enter__)
        with pytest.raises(FutureTimeout):
            waiter.result(timeout=1)
        stop.set()
        with pytest.raises(RunStopped):
            waiter.result(timeout=60)
        released.set()
        builder.result()
    with tool_cache._locked(path):
        assert path.exists()
