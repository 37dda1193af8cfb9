"""No reply is read without end: not the service's, and not one of a sandbox, whose daemon a crate may have replaced."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.errors import InputError
from generator.manifest.models import E2BService
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
LONG = r"a response is longer than 16 MiB"
# A message of the Connect protocol: flags, a length, and its beginning.
MESSAGE = struct.pack(">BI", 0, 2**32 - 1) + b'{"event": "'


# What may be on its way when a client leaves: in the system's buffers of both ends, and what the SDK has read ahead.
UNDER_WAY = 8 * MAX_RESPONSE_BYTES


def silent(line: str) -> None:
    """Nobody listens."""


def in_vain(server: E2BServer, request: str, fault: Endless, call: Callable[[], object]) -> None:
    """Have a call fail for good because its reply does not end."""
    server.inject(request, fault)
    with pytest.raises(SandboxError, match=LONG) as told:
        call()
    assert told.value.failure_class == "permanent"
    assert fault.left.wait(LIMIT)
    assert fault.sent < UNDER_WAY


@pytest.fixture
def account(server: E2BServer) -> Account:
    return Account(resolve_connection(E2BService(), Gateway(), server.environment), 50)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.attack("an endless reply of E2B's is given up", entry="W12")
def test_a_list_of_sandboxes(server: E2BServer, account: Account, status: int, packed: bool) -> None:
    fault = Endless(status, b"[", packed=packed)
    in_vain(server, "GET /v2/sandboxes", fault, lambda: [*find_sandboxes(account.connection, {"run": "x"})])


def test_a_count_of_sandboxes(server: E2BServer, account: Account) -> None:
    server.inject("GET /v2/sandboxes", Endless(200, b"["))
    with pytest.raises(Exception, match=LONG) as told:
        count_sandboxes(account.connection)
    assert isinstance(user_error(told.value), InputError)


def test_a_list_whose_pages_have_no_end(server: E2BServer, account: Account) -> None:
    server.inject("GET /v2/sandboxes", Say(200, "[]", {"x-next-token": "again"}), 2 * MAX_PAGES)
    with pytest.raises(SandboxError, match="more than 1,000 pages") as told:
        list(find_sandboxes(account.connection, {"run": "x"}))
    assert told.value.failure_class == "permanent"
    with pytest.raises(SandboxError, match="more than 1,000 pages"):
        count_sandboxes(account.connection)
    server.calm()


@pytest.mark.attack("an endless reply of E2B's is given up", entry="W12")
def test_a_create(server: E2BServer, make_backend: MakeBackend) -> None:
    backend = make_backend()
    in_vain(server, "POST /v2/sandboxes", Endless(201), lambda: backend.open("crate", SIZES["standard"], {}))


@pytest.mark.attack("an endless reply of E2B's is given up", entry="W12")
def test_a_kill(server: E2BServer, account: Account, sandbox: E2BSandbox) -> None:
    in_vain(server, "DELETE /sandboxes/*", Endless(500), lambda: kill_sandbox(account.connection, sandbox.id))


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
    in_vain(server, START, fault, lambda: sandbox.run(Command("true", sandbox.root, 30), silent))


@pytest.mark.attack("an endless reply of E2B's is given up", entry="W12")
def test_a_network_that_is_closed(server: E2BServer, sandbox: E2BSandbox) -> None:
    in_vain(server, "PUT /sandboxes/*/network", Endless(500), sandbox.close_network)


@pytest.mark.parametrize("status", [404, 500])
@pytest.mark.attack("an endless reply of E2B's is given up", entry="W12")
def test_a_download_that_is_refused(server: E2BServer, sandbox: E2BSandbox, tmp_path: Path, status: int) -> None:
    sandbox.run(Command("echo hello > file", sandbox.root, 30), silent)
    in_vain(server, "GET /files", Endless(status), lambda: sandbox.get(f"{sandbox.root}/file", tmp_path / "file", 99))


def test_a_download_that_does_not_end_is_left_where_the_file_should(
    server: E2BServer, sandbox: E2BSandbox, tmp_path: Path
) -> None:
    sandbox.run(Command("echo hello > file", sandbox.root, 30), silent)
    fault = Endless(200, b"hello", "application/octet-stream")
    server.inject("GET /files", fault)
    sandbox.get(f"{sandbox.root}/file", tmp_path / "file", 99)
    assert (tmp_path / "file").read_text() == "hello\n"
    assert fault.left.wait(LIMIT)
    assert fault.sent < UNDER_WAY


def test_what_calls_the_service_is_taken_from_where_replies_are_bounded() -> None:
    """The SDK's own names would work as well, and whoever uses them first has transports without a bound."""
    calls = re.compile(r"^ *from e2b\b.* import .*\b(Sandbox|Template|ConnectionConfig)\b", re.MULTILINE)
    found = [path.name for path in (TOP / "generator").rglob("*.py") if calls.search(path.read_text())]
    assert found == ["sdk.py"]
