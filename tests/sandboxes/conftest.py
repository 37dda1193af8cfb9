"""Fixtures that open local sandboxes, isolated and plain; tests open theirs by `open_sandbox`."""

from __future__ import annotations

import itertools
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from generator.sandboxes.contract import CommandResult, Resources, Sandbox
from generator.sandboxes.local.backend import LocalBackend
from generator.toolchain.host import HostToolchain
from tests.sandboxes.commands import run_in
from tests.support import LIMIT

ISOLATED = pytest.param(
    "isolated", marks=pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is for Linux only")
)
PLENTY = Resources(cpus=2, memory_mib=2_048)

_NAPS = itertools.count(4_000)

OpenSandbox = Callable[..., Sandbox]
Run = Callable[..., tuple[CommandResult, list[str]]]


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


@pytest.fixture
def nap() -> str:
    """Seconds of a `sleep` that no other process of this machine has: $NAP in scripts."""
    return f"{next(_NAPS)}.{os.getpid()}"


@pytest.fixture(params=[ISOLATED, "plain"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def backend(kind: str, toolchain: HostToolchain, stop: threading.Event, tmp_path: Path) -> LocalBackend:
    # Naming npm's registry saves asking npm, which takes half a second.
    environ = {**os.environ, "npm_config_registry": "https://npm.invalid/"}
    return LocalBackend(toolchain, stop, isolation=kind == "isolated", directory=tmp_path, environ=environ)


@pytest.fixture
def open_sandbox(backend: LocalBackend) -> Iterator[OpenSandbox]:
    opened: list[Sandbox] = []

    def open_one(resources: Resources = PLENTY, **env: str) -> Sandbox:
        opened.append(backend.open("crate", resources, env))
        return opened[-1]

    yield open_one
    for sandbox in opened:
        sandbox.kill()


@pytest.fixture
def sandbox(open_sandbox: OpenSandbox) -> Sandbox:
    return open_sandbox()


@pytest.fixture
def run(sandbox: Sandbox) -> Run:
    """Run a script in the test's sandbox, by default in its root, and return its result and its lines."""

    def run_one(script: str, timeout: float = LIMIT, cwd: str = "", **env: str) -> tuple[CommandResult, list[str]]:
        return run_in(sandbox, script, timeout, cwd, **env)

    return run_one
