"""Fixtures of the E2B backend at a server with E2B's protocol."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from generator.manifest.fleet_models import E2BService
from generator.sandboxes.contract import SIZES
from generator.sandboxes.e2b.backend import Account, E2BBackend, RunIdentity
from generator.sandboxes.e2b.connection import Gateway, resolve_connection
from generator.sandboxes.e2b.sandbox import E2BSandbox, Lifetime
from generator.toolchain.host import find_host_toolchain
from tests.e2b_server import E2BServer, Rules, TemplateSize

MakeBackend = Callable[..., E2BBackend]


@pytest.fixture(scope="module")
def server() -> Iterator[E2BServer]:
    rules = Rules(
        templates={"base": TemplateSize(2, 1_024, 20_480), "tiny": TemplateSize(1, 512, 128)}, max_sandboxes=4
    )
    with E2BServer(rules, find_host_toolchain(os.environ)) as server:
        yield server
        assert server.running() == ()
        assert server.violations == []


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


@pytest.fixture
def log() -> list[str]:
    """Messages of the backend while it waits."""
    return []


@pytest.fixture
def make_backend(server: E2BServer, stop: threading.Event, log: list[str]) -> Iterator[MakeBackend]:
    made: list[E2BBackend] = []

    def make(run: RunIdentity | None = None, template: str = "base", **account: Any) -> E2BBackend:
        connection = resolve_connection(E2BService(), Gateway(), server.environment)
        backend = E2BBackend(
            replace(Account(connection, 50), **account),
            run or RunIdentity("test"),
            {"standard": template},
            Lifetime({"PATH": server.path}, 60),
            stop,
            lambda crate, text: log.append(f"{crate}: {text}"),
        )
        made.append(backend)
        return backend

    yield make
    for backend in made:
        backend.close()


@pytest.fixture
def sandbox(make_backend: MakeBackend) -> Iterator[E2BSandbox]:
    sandbox = make_backend().open("crate", SIZES["standard"], {})
    yield sandbox
    sandbox.kill()
