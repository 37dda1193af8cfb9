"""Servers for tests, and the unmodified SDK led to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from e2b import Sandbox

from generator.toolchain.host import HostToolchain
from tests.e2b_server import E2BServer, Rules, TemplateSize

StartServer = Callable[[Rules], E2BServer]
Open = Callable[..., Sandbox]

# A busy machine takes longer than the service's 15 s for the commands of a test.
LASTING = 86_400
RULES = Rules(
    default_timeout_seconds=LASTING,
    templates={"base": TemplateSize(2, 1_024, 1_024), "tiny": TemplateSize(1, 128, 1)},
    metrics_seconds=0.3,
    build_seconds=0.2,
)


@pytest.fixture(scope="module")
def shared_server(toolchain: HostToolchain) -> Iterator[E2BServer]:
    with E2BServer(RULES, toolchain) as server:
        yield server


@pytest.fixture
def server(shared_server: E2BServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[E2BServer]:
    """A server that the module's tests share; what a test leaves running is killed, and what it did wrong shows."""
    for name, value in shared_server.environment.items():
        monkeypatch.setenv(name, value)
    yield shared_server
    for record in shared_server.running():
        Sandbox.kill(record.id)
    found = [*shared_server.violations]
    shared_server.violations.clear()
    assert found == []


@pytest.fixture
def start_server(toolchain: HostToolchain, monkeypatch: pytest.MonkeyPatch) -> Iterator[StartServer]:
    """Start a server of the test's own."""
    started: list[E2BServer] = []

    def start(rules: Rules) -> E2BServer:
        started.append(E2BServer(replace(rules, default_timeout_seconds=LASTING), toolchain).__enter__())
        for name, value in started[-1].environment.items():
            monkeypatch.setenv(name, value)
        return started[-1]

    yield start
    for each in started:
        each.__exit__(None, None, None)
        assert each.violations == []


@pytest.fixture
def sandbox(server: E2BServer) -> Sandbox:
    return Sandbox.create("base", timeout=60)
