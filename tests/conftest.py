"""What all tests share: repositories made on the spot, and a copy of the sample fleet."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import settings

from generator.toolchain.host import HostToolchain, find_host_toolchain
from tests.suite.fork_server import RUNNING, ForkServer
from tests.suite.scheduling import TOGETHER, scheduler
from tests.support import TOP, git_repository, write_files

pytest_plugins = [f"tests.suite.{name}" for name in ("environment", "leaks", "attacks", "tiers", "time_limit")]

# Shared machines stop for longer than any deadline; an example that hangs fails by the test run's own limit.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")


# Where the workflows of these repositories find cratematrix: they do not hold it themselves.
ACTION = "example/cratematrix@v1"
MakeRepository = Callable[..., Path]


@pytest.fixture
def repository(tmp_path: Path) -> MakeRepository:
    """Make a repository of crates with a manifest, its platforms only the host's own."""

    def make(crates: list[dict[str, Any]], files: Mapping[str, str], **fleet: Any) -> Path:
        top = tmp_path / "repo"
        head = {
            "npm_scope": "@demo",
            "slots": 2,
            "platforms": ["linux-x64-gnu"],
            "retries": 0,
            "action": ACTION,
            **fleet,
        }
        manifest = {"schema_version": 1, "fleet": head, "crates": crates}
        write_files(top, {**files, "crates.json": json.dumps(manifest, indent=2)})
        return git_repository(top)

    return make


@pytest.fixture(scope="session")
def toolchain() -> HostToolchain:
    """Return the tools of this machine."""
    return find_host_toolchain(os.environ)


@pytest.fixture(autouse=True)
def own_github() -> Iterator[None]:
    """Leave PyGithub as it comes: cratematrix's own connections are for all clients of a process."""
    yield
    if module := sys.modules.get("github.Requester"):
        module.Requester.resetConnectionClasses()


@pytest.fixture(scope="session")
def fleet_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository of its own with the sample fleet in it."""
    top = tmp_path_factory.mktemp("fleet") / "repo"
    shutil.copytree(TOP / "tests/fleet", top, ignore=shutil.ignore_patterns("target", "node_modules", "dist"))
    return git_repository(top)


# Files that keep a worker busy for minutes. One that starts late leaves the other workers idle.
LONGEST: Final = (
    *TOGETHER,
    "tests/builds/test_cargo_configuration.py",
    "tests/builds/test_foreign_tests.py",
    "tests/builds/test_wasm_tests.py",
    "tests/builds/test_coverage.py",
    "tests/builds/test_failed_builds.py",
    "tests/releases/test_release_commands.py",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the longest files and whole builds, and end with unit tests."""

    def group(item: pytest.Item) -> int:
        if item.nodeid.startswith(LONGEST):
            return 0
        if item.nodeid.startswith("tests/builds/"):
            return 1
        return 3 if item.get_closest_marker("unit") else 2

    items.sort(key=group)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the fork server, in each process of a run that runs tests."""
    runs_tests = hasattr(session.config, "workerinput") or not getattr(session.config.option, "numprocesses", None)
    if sys.platform == "linux" and runs_tests:
        RUNNING.append(ForkServer())


def pytest_unconfigure() -> None:
    """End the fork server."""
    while RUNNING:
        RUNNING.pop().close()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object | None:
    """Distribute the tests of `make slow` one by one, except for those of TOGETHER."""
    return scheduler(config, log) if config.getoption("dist") == "loadscope" else None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the service itself to the tests that can use it."""
    parser.addoption("--real-e2b", action="store_true", help="run the sandbox contract on E2B, with E2B_API_KEY")
