"""Endless responses are abandoned: of the service, and of a sandbox whose daemon a crate may have replaced."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.errors import InputError
from generator.manifest.fleet_models import E2BService
from generator.sandboxes.contract import SIZES, Command, SandboxError
from generator.sandboxes.e2b.backend import Account
from generator.sandboxes.e2b.connection import Gateway, resolve_connection
from generator.sandboxes.e2b.control_plane import MAX_PAGES, count_sandboxes, find_sandboxes, kill_sandbox
from generator.sandboxes.e2b.errors import user_error
from generator.sandboxes.e2b.sandbox import E2BSandbox
from generator.sandboxes.e2b.sdk import MAX_RESPONSE_BYTES
from tests.e2b_server import E2BServer, Endless, Say
from tests.sandboxes.e2b.conftest import MakeBackend
from tests.support import LIMIT, TOP

START = "POST /process.Process/Start"
TOO_LONG = r"a response is longer than 16 MiB"
# A message of the Connect protocol: flags, a length, and its beginning.
MESSAGE = struct.pack(">BI", 0, 2**32 - 1) + b'{"event": "'


# Bytes in flight when a client disconnects: in the socket buffers of both ends, and in the SDK's read-ahead.
IN_FLIGHT = 8 * MAX_RESPONSE_BYTES


def ignore(line: str) -> None:
    """Ignore a line."""


def expect_failure(server: E2BServer, request: str, fault: Endless, call: Callable[[], object]) -> None:
    """Expect a call to fail permanently because of an endless response."""
    server.inject(request, fault)
    with pytest.raises(SandboxError, match=TOO_LONG) as caught:
        call()
    assert caught.value.failure_class == "permanent"
    assert fault.left.wait(LIMIT)
    assert fault.sent < IN_FLIGHT


@pytest.fixture
def account(server: E2BServer) -> Account:
    return Account(resolve_connection(E2BService(), Gateway(), server.environment), 50)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.attack("an endless reply of E2B's is given up", entry="W12")
def test_a_list_of_sandboxes(server: E2BServer, account: Account, status: int, packed: bool) -> None:
    fault = Endless(status, b"[", packed=packed)
    expect_failure(server, "GET /v2/sandboxes", fault, lambda: [*find_sandboxes(account.connection, {"run": "x"})])


def test_a_count_of_sandboxes(server: E2BServer, account: Account) -> None:
    server.inject("GET /v2/sandboxes", Endless(200, b"["))
    with pytest.raises(Exception, match=TOO_LONG) as caught:
        count_sandboxes(account.connection)
    assert isinstance(user_error(caught.value), InputError)


def test_a_list_whose_pages_have_no_end(server: E2BServer, account: Account) -> None:
    server.inject("GET /v2/sandboxes", Say(200, "[]", {"x-next-token": "again"}), 2 * MAX_PAGES)
    with pytest.raises(SandboxError, match="more than 1,000 pages") as caught:
        list(find_sandboxes(account.connection, {"run": "x"}))
    assert caught.value.failure_class == "permanent"
    with pytest.raises(SandboxError, match="more than 1,000 pages"):
        count_sandboxes(account.connection)
    server.calm()


@pytest.mark.attack("an endless reply of E2B's is given up", entry="W12")
def test_a_create(server: E2BServer, make_backend: MakeBackend) -> None:
    backend = make_backend()
    expect_failure(server, "POST /v2/sandboxes", Endless(201), lambda: backend.open("crate", SIZES["standard"], {}))


@pytest.mark.attack("an endless reply of E2B's is given up", entry="W12")
def test_a_kill(server: E2BServer, account: Account, sandbox: E2BSandbox) -> None:
    expect_failure(server, "DELETE /sandboxes/*", Endless(500), lambda: kill_sandbox(account.connection, sandbox.id))


@pytest.mark.parametrize(
    "fault",
    [
        Endless(200, MESSAGE, "application/connect+json"),
        Endless(200, MESSAGE, "application/connect+json", packed=True),
        Endless(502, b"<html>", "text/html"),
    ],
    ids=["one message", "packed", "a proxy's page"],
)
@pytest.mark.attack("an endless reply of E2B's is given up", entry="W12")
def test_a_command(server: E2BServer, sandbox: E2BSandbox, fault: Endless) -> None:
    fault = Endless(fault.status, fault.begin, fault.content_type, fault.packed)
    expect_failure(server, START, fault, lambda: sandbox.run(Command("true", sandbox.root, 30), ignore))


@pytest.mark.attack("an endless reply of E2B's is given up", entry="W12")
def test_a_network_that_is_closed(server: E2BServer, sandbox: E2BSandbox) -> None:
    expect_failure(server, "PUT /sandboxes/*/network", Endless(500), sandbox.close_network)


@pytest.mark.parametrize("status", [404, 500])
@pytest.mark.attack("an endless reply of E2B's is given up", entry="W12")
def test_a_download_that_is_refused(server: E2BServer, sandbox: E2BSandbox, tmp_path: Path, status: int) -> None:
    sandbox.run(Command("echo hello > file", sandbox.root, 30), ignore)
    expect_failure(
        server, "GET /files", Endless(status), lambda: sandbox.get(f"{sandbox.root}/file", tmp_path / "file", 99)
    )


def test_an_endless_download_is_abandoned_at_the_size_of_the_file(
    server: E2BServer, sandbox: E2BSandbox, tmp_path: Path
) -> None:
    sandbox.run(Command("echo hello > file", sandbox.root, 30), ignore)
    fault = Endless(200, b"hello", "application/octet-stream")
    server.inject("GET /files", fault)
    sandbox.get(f"{sandbox.root}/file", tmp_path / "file", 99)
    assert (tmp_path / "file").read_text() == "hello\n"
    assert fault.left.wait(LIMIT)
    assert fault.sent < IN_FLIGHT


def test_calls_of_the_service_are_imported_from_the_bounded_module() -> None:
    """Imports from the SDK itself would work as well, but without the limit."""
    calls = re.compile(r"^ *from e2b\b.* import .*\b(Sandbox|Template|ConnectionConfig)\b", re.MULTILINE)
    found = [path.name for path in (TOP / "generator").rglob("*.py") if calls.search(path.read_text())]
    assert found == ["sdk.py"]
