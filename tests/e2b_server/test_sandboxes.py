"""Sandboxes from their creation to their end, through the SDK."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from e2b import Sandbox, SandboxState
from e2b.exceptions import (
    AuthenticationException,
    NotFoundException,
    RateLimitException,
    SandboxException,
    SandboxNotRunningException,
)
from e2b.sandbox.sandbox_api import SandboxQuery

from tests.e2b_server import E2BServer, Rules, TemplateSize
from tests.e2b_server.conftest import StartServer
from tests.support import wait_until, with_enough_time


def test_a_sandbox_is_what_was_asked_for(server: E2BServer) -> None:
    before = datetime.now(UTC)
    sandbox = Sandbox.create("base", timeout=3_600, metadata={"run": "7"}, envs={"GIVEN": "yes"}, idempotency_key="k-1")
    (record,) = server.running()
    assert (record.id, record.template, record.metadata, record.idempotency_key) == (
        sandbox.sandbox_id,
        "base",
        {"run": "7"},
        "k-1",
    )
    assert before <= record.end_at - timedelta(seconds=3_600) <= datetime.now(UTC)
    info = sandbox.get_info()
    assert (info.cpu_count, info.memory_mb, info.state, info.metadata) == (2, 1_024, SandboxState.RUNNING, {"run": "7"})
    assert sandbox.commands.run("echo $GIVEN $HOME").stdout == "yes /tmp/home\n"
    assert Sandbox.connect(sandbox.sandbox_id).commands.run("pwd", cwd="/build").stdout == "/build\n"


def test_a_killed_sandbox_is_gone_for_every_call(server: E2BServer, sandbox: Sandbox) -> None:
    assert sandbox.is_running()
    assert sandbox.kill() is True
    assert sandbox.kill() is False
    assert not sandbox.is_running()
    with pytest.raises(NotFoundException):
        sandbox.set_timeout(10)
    with pytest.raises(NotFoundException):
        sandbox.get_info()
    with pytest.raises(SandboxNotRunningException):
        sandbox.commands.run("true")
    with pytest.raises(SandboxNotRunningException):
        sandbox.files.read("/build/x")
    assert server.created()[-1].ended == "killed"


def test_a_timeout_that_expires_kills_and_one_that_is_renewed_does_not(server: E2BServer) -> None:
    def renewed_in(seconds: float) -> Sandbox | None:
        first = math.ceil(seconds)
        sandbox = Sandbox.create("base", timeout=first)
        with suppress(NotFoundException):
            sandbox.set_timeout(3_600)
            time.sleep(first)
            return sandbox
        return None

    dying, living = Sandbox.create("base", timeout=1), with_enough_time(renewed_in)
    with pytest.raises(SandboxNotRunningException):
        dying.commands.run("sleep 3600", timeout=0)
    assert [record.id for record in server.running()] == [living.sandbox_id]
    assert server.created()[-2].ended == "timeout"
    assert living.commands.run("echo on").stdout == "on\n"


def test_a_timeout_beyond_the_accounts_is_refused(server: E2BServer) -> None:
    with pytest.raises(SandboxException, match="Timeout cannot be greater than 24 hours") as caught:
        Sandbox.create("base", timeout=86_401)
    assert caught.value.status_code == 400


def test_lists_come_in_pages_and_filter_by_metadata_state_and_template(server: E2BServer) -> None:
    odd = {"run": "42 a&b=c/%d", "job": "é"}
    own = [Sandbox.create("base", metadata=odd).sandbox_id for _ in range(3)]
    other = Sandbox.create("tiny", metadata={"run": "43"}).sandbox_id
    pages = Sandbox.list(query=SandboxQuery(metadata=odd), limit=2, order="asc")
    first = pages.next_items()
    assert (len(first), pages.has_next) == (2, True)
    assert [each.sandbox_id for each in [*first, *pages.next_items()]] == own
    assert not pages.has_next
    assert [each.sandbox_id for each in Sandbox.list(query=SandboxQuery(template="tiny")).next_items()] == [other]
    assert Sandbox.list(query=SandboxQuery(state=[SandboxState.PAUSED])).next_items() == []
    assert [each.sandbox_id for each in Sandbox.list().next_items()] == [other, *reversed(own)]


def test_a_key_stands_for_one_sandbox(server: E2BServer) -> None:
    first, second = (Sandbox.create("base", metadata={"a": "1"}, idempotency_key="same") for _ in range(2))
    assert first.sandbox_id == second.sandbox_id
    assert second.commands.run("echo on").stdout == "on\n"
    with pytest.raises(SandboxException, match="another request") as caught:
        Sandbox.create("base", metadata={"a": "2"}, idempotency_key="same")
    assert caught.value.status_code == 422
    assert len(server.running()) == 1


def test_a_key_whose_request_is_under_way_is_refused(start_server: StartServer) -> None:
    starts = threading.Event()
    server = start_server(Rules(starts=starts))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(Sandbox.create, "base", idempotency_key="slow")
        wait_until(lambda: server.starting() == 1, "the first create")
        with pytest.raises(SandboxException, match="in progress") as caught:
            Sandbox.create("base", idempotency_key="slow")
        starts.set()
        first.result()
    assert caught.value.status_code == 409
    assert len(server.created()) == 1


def test_the_key_of_the_account_and_of_the_sandbox_are_checked(server: E2BServer, sandbox: Sandbox) -> None:
    with pytest.raises(AuthenticationException):
        Sandbox.create("base", api_key="e2b_wrong")
    route = {"E2b-Sandbox-Id": sandbox.sandbox_id, "E2b-Sandbox-Port": "49983"}
    for token in ({}, {"X-Access-Token": "wrong"}):
        refused = httpx.post(f"{server.url}/process.Process/List", json={}, headers={**route, **token})
        assert (refused.status_code, refused.json()["code"]) == (401, 401)
    lost = httpx.get(f"{server.url}/health", headers={**route, "E2b-Sandbox-Id": "inobody"})
    assert (lost.status_code, lost.json()) == (
        502,
        {"sandboxId": "inobody", "message": "The sandbox was not found", "code": 502},
    )


def test_more_sandboxes_than_the_account_may_have_are_refused(start_server: StartServer) -> None:
    start_server(Rules(max_sandboxes=2, retry_after=False))
    first, _ = (Sandbox.create("base") for _ in range(2))
    with pytest.raises(RateLimitException, match=r"maximum number of concurrent E2B sandboxes \(2\)"):
        Sandbox.create("base", retries=0)
    first.kill()
    Sandbox.create("base")


def test_creates_that_come_too_fast_are_told_when_to_come_back(start_server: StartServer) -> None:
    server = start_server(Rules(creates_per_second=0.5))
    Sandbox.create("base", retries=0)
    with pytest.raises(RateLimitException):
        Sandbox.create("base", retries=0)
    assert server.requests[-1].status == 429
    Sandbox.create("base", retries=1)  # the SDK itself waits for as long as it was told


def test_a_template_or_a_tag_that_is_not_there_is_not_found(server: E2BServer) -> None:
    for reference in ("nothing", "base:v9"):
        with pytest.raises(SandboxException) as caught:
            Sandbox.create(reference)
        assert caught.value.status_code == 404


def test_metrics_are_those_of_the_commands(server: E2BServer, sandbox: Sandbox) -> None:
    works = 'const b = Buffer.alloc(150e6, 1), fs = require("fs"); while (!fs.existsSync("/build/measured"));'
    working = sandbox.commands.run(
        f"head -c 40M /dev/zero > /build/file; node -e '{works}'", background=True, timeout=0
    )
    wait_until(
        lambda: any(each.mem_used > 150e6 and each.cpu_used_pct > 0 for each in sandbox.get_metrics()),
        "figures of the command while it works",
    )
    sandbox.files.write("/build/measured", "")
    working.wait()
    points = sandbox.get_metrics()
    assert {(each.cpu_count, each.mem_total, each.disk_total) for each in points} == {(2, 1 << 30, 1 << 30)}
    assert 150e6 < max(each.mem_used for each in points) < 400e6
    assert 0 < max(each.cpu_used_pct for each in points) <= 100
    assert 40 << 20 <= points[-1].disk_used < 60 << 20


def test_a_process_that_outgrows_the_memory_is_killed_and_counted(server: E2BServer) -> None:
    sandbox = Sandbox.create("tiny")
    hog = "node -e 'const all = []; setInterval(() => all.push(Buffer.alloc(2e7, 1)), 20)'; echo $?; grep ^oom_kill /proc/vmstat"
    assert sandbox.commands.run(f"grep ^oom_kill /proc/vmstat; {hog}").stdout == "oom_kill 0\n137\noom_kill 1\n"
    assert server.running()[-1].oom_kills == 1


LISTEN = 'node -e \'require("net").connect(%d, "127.0.0.1").on("error", () => process.exit(1)).on("connect", () => process.exit(0))\''


def test_a_closed_network_is_closed_and_files_stay(server: E2BServer, sandbox: Sandbox) -> None:
    reach = (LISTEN % int(server.url.rpartition(":")[2])) + "; echo $?"
    sandbox.commands.run("echo kept > /build/file; (sleep 60 > /dev/null 2>&1 &)")
    assert sandbox.commands.run(reach).stdout == "0\n"
    sandbox.update_network({"deny_out": ["0.0.0.0/0"]})
    assert (
        sandbox.commands.run(f"{reach}; cat /build/file; cat /proc/[0-9]*/comm | grep -c ^sleep || true").stdout
        == "1\nkept\n0\n"
    )
    assert server.running()[-1].network.open is False
    sandbox.update_network({})
    assert sandbox.commands.run(reach).stdout == "0\n"


def test_only_allowed_names_resolve(server: E2BServer, sandbox: Sandbox) -> None:
    running = sandbox.commands.run("sleep 30", background=True)
    sandbox.update_network({"allow_out": ["localhost"], "deny_out": ["0.0.0.0/0"]})
    resolve = "for name in localhost sandbox-host.invalid; do getent ahosts $name > /dev/null; echo $?; done"
    assert (
        sandbox.commands.run(f"cat /etc/resolv.conf; grep hosts: /etc/nsswitch.conf; {resolve}").stdout
        == "hosts: files\n0\n2\n"
    )
    assert [each.pid for each in sandbox.commands.list()] == [running.pid]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"deny_out": ["example.invalid"]}, "invalid denied CIDR"),
        ({"allow_out": ["example.invalid"]}, "must include 0.0.0.0/0"),
    ],
)
def test_a_network_that_is_none_is_refused(sandbox: Sandbox, rules: dict[str, list[str]], message: str) -> None:
    with pytest.raises(SandboxException, match=message) as caught:
        sandbox.update_network(rules)  # type: ignore[arg-type]
    assert caught.value.status_code == 400
    with pytest.raises(SandboxException, match=message):
        Sandbox.create("base", network=rules)  # type: ignore[arg-type]


def test_what_a_gateway_wants_is_wanted(start_server: StartServer) -> None:
    needed = {"X-Gateway-Key": "s3cret"}
    server = start_server(Rules(api_prefix="/gw/api", sandbox_prefix="/gw/sbx", api_headers=needed))
    sandbox = Sandbox.create("base", api_headers=needed)
    assert sandbox.commands.run("echo through").stdout == "through\n"
    sandbox.files.write("/build/file", "content")
    with pytest.raises(SandboxException) as caught:
        Sandbox.create("base")
    assert caught.value.status_code == 403
    assert {seen.path for seen in server.requests} == {"/v2/sandboxes", "/process.Process/Start", "/files"}


def test_thirty_sandboxes_at_once(start_server: StartServer) -> None:
    server = start_server(Rules(templates={"base": TemplateSize(1, 512, 512)}))

    def live(number: int) -> str:
        with Sandbox.create("base", metadata={"number": str(number)}) as sandbox:
            sandbox.files.write("/build/name", f"{number}\n")
            said: str = sandbox.commands.run("cat /build/name; sleep 0.5").stdout
        return said

    with ThreadPoolExecutor(30) as threads:
        assert list(threads.map(live, range(30))) == [f"{number}\n" for number in range(30)]
    assert server.running() == ()
    assert len(server.created()) == 30
