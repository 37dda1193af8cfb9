"""What goes wrong, as the SDK shows it: what is promised of each fault is what the runner's error handling leans on."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import httpx
import pytest
from connectrpc.errors import ConnectError
from e2b import Sandbox
from e2b.exceptions import (
    RateLimitException,
    SandboxException,
    SandboxNotRunningException,
    SandboxUnreachableException,
    ServiceBusyException,
    TimeoutException,
)

from tests.e2b_server import (
    Cut,
    Delay,
    E2BServer,
    Fault,
    Faults,
    LoseReply,
    Rules,
    Say,
    Stall,
    TemplateSize,
    Truncate,
    error,
    html,
)
from tests.e2b_server.conftest import StartServer
from tests.support import wait_until

START = "POST /process.Process/Start"
CREATE = "POST /v2/sandboxes"


@pytest.mark.parametrize(
    ("fault", "raised", "status"),
    [
        (error(429), RateLimitException, None),
        (error(503), ServiceBusyException, None),
        (error(500), SandboxException, 500),
        (error(502), SandboxException, 502),
        (error(504), SandboxException, 504),
        (error(403), SandboxException, 403),
        (html(429), json.JSONDecodeError, None),
        (html(500), json.JSONDecodeError, None),
        (html(503), json.JSONDecodeError, None),
        (Say(520, "odd"), ValueError, None),
        (Cut(), httpx.TransportError, None),
        (LoseReply(), httpx.TransportError, None),
    ],
)
def test_a_create_that_fails(server: E2BServer, fault: Fault, raised: type[Exception], status: int | None) -> None:
    server.inject(CREATE, fault)
    with pytest.raises(raised) as caught:
        Sandbox.create("base", retries=0)
    assert status is None or getattr(caught.value, "status_code", None) == status


def test_a_lost_reply_leaves_one_sandbox_when_asked_again_with_the_key(server: E2BServer) -> None:
    server.inject(CREATE, LoseReply())
    with pytest.raises(httpx.TransportError):
        Sandbox.create("base", idempotency_key="lost-1")
    (lost,) = server.running()
    assert Sandbox.create("base", idempotency_key="lost-1").sandbox_id == lost.id
    assert len(server.running()) == 1


def test_the_sdk_repeats_a_create_that_was_done_behind_a_504(server: E2BServer) -> None:
    server.inject(CREATE, Say(504, {"code": 504, "message": "late"}, perform=True))
    Sandbox.create("base")
    assert len(server.running()) == 2
    server.inject(CREATE, Say(504, {"code": 504, "message": "late"}, perform=True))
    Sandbox.create("base", idempotency_key="late-1")
    assert len(server.running()) == 3


def test_a_slow_create_is_a_timeout_of_an_unknown_outcome(server: E2BServer) -> None:
    server.inject(CREATE, Stall(3_600))
    with pytest.raises(httpx.TimeoutException):
        Sandbox.create("base", request_timeout=0.3, retries=0)
    wait_until(server.running, "the sandbox whose create was given up")


def test_a_delayed_create_is_done_when_its_client_has_left(server: E2BServer) -> None:
    server.inject(CREATE, Delay(1.0))
    with suppress(httpx.TimeoutException):  # a machine that stands still for a second sees the reply first
        Sandbox.create("base", request_timeout=0.1, retries=0)
    wait_until(server.running, "the sandbox whose create was given up")


def test_retry_after_is_waited_for(server: E2BServer) -> None:
    server.inject(CREATE, error(429, retry_after="1"))
    started = time.monotonic()
    Sandbox.create("base")
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (error(429), RateLimitException),
        (html(502), SandboxUnreachableException),
        (error(503), SandboxUnreachableException),
        (error(500), SandboxException),
        (Cut(after=60, reset=True), ConnectError),
        (Cut(after=60, reset=False), SandboxUnreachableException),
        (Cut(after=0, reset=True), ConnectError),
    ],
)
def test_a_command_whose_stream_fails(
    server: E2BServer, sandbox: Sandbox, fault: Fault, raised: type[Exception]
) -> None:
    server.inject(START, fault)
    with pytest.raises(raised):
        sandbox.commands.run("echo a line of output; sleep 0.2; echo another line of output, and more")
    assert sandbox.commands.run("echo on").stdout == "on\n"


def test_a_stream_that_ends_cleanly_without_an_end(server: E2BServer, sandbox: Sandbox) -> None:
    server.inject(START, Truncate(after=39))
    with pytest.raises(Exception, match="without an end event"):
        sandbox.commands.run("echo a line of output; sleep 0.2; echo another line of output, and more")


def test_a_command_goes_on_after_its_stream_is_cut(server: E2BServer, sandbox: Sandbox) -> None:
    server.inject(START, Cut(after=60))
    with pytest.raises(ConnectError):
        sandbox.commands.run(
            "echo first line of output, longer; sleep 0.5; echo done > /build/made; mv /build/made /build/done; sleep 3600",
            timeout=0,
        )
    (running,) = sandbox.commands.list()
    wait_until(lambda: sandbox.files.exists("/build/done"), "what the command does after its stream was cut")
    assert sandbox.files.read("/build/done") == "done\n"
    assert sandbox.commands.kill(running.pid)


def test_a_start_that_stalls(server: E2BServer, sandbox: Sandbox) -> None:
    server.inject(START, Stall(3_600))
    with pytest.raises(TimeoutException):
        sandbox.commands.run("echo hi", timeout=0.5)


@pytest.mark.parametrize(
    "how", [lambda server, sandbox: server.vanish(sandbox.sandbox_id), lambda _, sandbox: sandbox.kill()]
)
def test_a_sandbox_that_vanishes_in_the_middle(
    server: E2BServer, sandbox: Sandbox, how: Callable[[E2BServer, Sandbox], object]
) -> None:
    running = sandbox.commands.run("echo up; sleep 3600", background=True, timeout=0)
    how(server, sandbox)
    with pytest.raises(SandboxNotRunningException):
        running.wait()
    with pytest.raises(SandboxNotRunningException):
        sandbox.files.write("/build/x", "x")
    assert server.running() == ()


def test_a_truncated_download_is_shorter_and_a_cut_one_an_error(server: E2BServer, sandbox: Sandbox) -> None:
    content = os.urandom(1_000_000)
    sandbox.files.write("/build/file", content)
    server.inject("GET /files", Truncate(0.5))
    assert b"".join(sandbox.files.read("/build/file", format="stream")) == content[:500_000]
    server.inject("GET /files", Cut(after=300_000, reset=False))
    with pytest.raises((httpx.TransportError, SandboxException)):
        b"".join(sandbox.files.read("/build/file", format="stream"))
    assert b"".join(sandbox.files.read("/build/file", format="stream")) == content


def test_an_upload_that_is_cut(server: E2BServer, sandbox: Sandbox) -> None:
    server.inject("POST /files", Cut())
    with pytest.raises((httpx.TransportError, SandboxException)):
        sandbox.files.write("/build/file", iter([b"x" * 100_000] * 10), use_octet_stream=True)


def test_faults_come_in_about_their_shares(start_server: StartServer) -> None:
    server = start_server(Rules(templates={"base": TemplateSize(1, 256, 64)}))
    sandbox = Sandbox.create("base")
    server.faults = Faults(seed=7, server_error=0.1, too_many=0.1, drop=0.1)
    seen: Counter[str] = Counter()
    for _ in range(300):
        try:
            sandbox.set_timeout(60, retries=0)
            seen["fine"] += 1
        except RateLimitException:
            seen["busy"] += 1
        except httpx.TransportError:
            seen["dropped"] += 1
        except (SandboxException, ServiceBusyException, ValueError):
            seen["error"] += 1
    server.faults = Faults()
    assert 180 < seen["fine"] < 260
    assert min(seen["busy"], seen["dropped"], seen["error"]) > 10
    assert server.requests[-1].status == 0 or server.requests[-1].status >= 200


def test_sandboxes_vanish_in_about_their_share(start_server: StartServer) -> None:
    server = start_server(Rules(templates={"base": TemplateSize(1, 256, 64)}))
    server.faults = Faults(seed=3, vanish=0.5, vanish_within=0.5)
    for _ in range(16):
        Sandbox.create("base")
    wait_until(lambda: len(server.running()) <= 13, "the end of those that vanish")
    assert len(server.running()) >= 3
    assert {record.ended for record in server.created()} == {None, "vanished"}
