"""Creation of sandboxes: exactly one for each request, whatever happens to the response."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import replace

import pytest

from generator.sandboxes.contract import SIZES, SandboxError
from generator.sandboxes.e2b.backend import RunIdentity
from tests.e2b_server import Cut, Delay, E2BServer, Fault, LoseReply, Say, error, html
from tests.sandboxes.e2b.conftest import MakeBackend
from tests.support import wait_until, with_enough_time

CREATE = "POST /v2/sandboxes"
UNKNOWN = Say(422, {"code": 422, "message": "unknown", "error_code": "idempotency_outcome_unknown"}, perform=True)


def opened_ids(server: E2BServer, crate: str) -> list[str]:
    return [record.id for record in server.running() if record.metadata["crate"] == crate]


@pytest.mark.parametrize(
    "fault",
    [
        LoseReply(),
        Cut(),
        error(429),
        error(429, retry_after="1"),
        html(429),
        error(500),
        html(502),
        error(503),
        Say(504, {"code": 504, "message": "late"}, perform=True),
        Say(520, "odd"),
        Delay(3),
        UNKNOWN,
    ],
    ids=str,
)
def test_one_create_leads_to_one_sandbox(server: E2BServer, make_backend: MakeBackend, fault: Fault) -> None:
    server.inject(CREATE, fault, times=2)
    sandbox = make_backend(create_seconds=1.0 if isinstance(fault, Delay) else 30.0).open(
        "alone", SIZES["standard"], {}
    )
    assert opened_ids(server, "alone") == [sandbox.id]
    sandbox.kill()
    assert opened_ids(server, "alone") == []


def test_retry_after_is_respected(server: E2BServer, make_backend: MakeBackend) -> None:
    server.inject(CREATE, error(429, retry_after="3"))
    started = time.monotonic()
    make_backend().open("patient", SIZES["standard"], {}).kill()
    assert time.monotonic() - started >= 3


def test_a_full_account_is_waited_for_and_the_wait_is_logged(
    server: E2BServer, make_backend: MakeBackend, log: list[str]
) -> None:
    full = [make_backend().open(f"c{number}", SIZES["standard"], {}) for number in range(4)]
    threading.Timer(1.0, full[0].kill).start()
    late = make_backend().open("late", SIZES["standard"], {})
    assert len(server.running()) == 4
    for each in (*full, late):
        each.kill()
    assert all("maximum number of concurrent E2B sandboxes" in text for text in log)


def test_a_queue_has_an_end(server: E2BServer, make_backend: MakeBackend) -> None:
    server.inject(CREATE, error(429), times=100)
    with pytest.raises(SandboxError, match="no sandbox could be opened") as caught:
        make_backend(queue_seconds=0.1).open("never", SIZES["standard"], {})
    assert caught.value.failure_class == "transient"
    server.calm()


def test_a_stop_ends_the_waiting_and_what_was_lost(
    server: E2BServer, make_backend: MakeBackend, stop: threading.Event
) -> None:
    server.inject(CREATE, LoseReply())
    server.inject(CREATE, error(500), times=100)
    threading.Timer(1.0, stop.set).start()
    with pytest.raises(SandboxError, match="the run was stopped"):
        make_backend().open("stopped", SIZES["standard"], {})
    server.calm()
    assert opened_ids(server, "stopped") == []


def test_the_message_for_a_missing_template_names_the_command_that_builds_it(make_backend: MakeBackend) -> None:
    with pytest.raises(SandboxError, match="no template none: run cratematrix template build") as caught:
        make_backend(template="none").open("c", SIZES["standard"], {})
    assert caught.value.failure_class == "permanent"


def test_a_runner_ends_what_is_its_own_and_nothing_of_another_in_the_same_run(
    server: E2BServer, make_backend: MakeBackend
) -> None:
    """Two jobs of one workflow have the same run, attempt and shard."""
    ours, theirs = make_backend(RunIdentity("7", "1")), make_backend(RunIdentity("7", "1"))
    ours.open("ours", SIZES["standard"], {})
    kept = theirs.open("theirs", SIZES["standard"], {})
    ours.close()
    assert [record.id for record in server.running()] == [kept.id]
    theirs.close()
    assert server.running() == ()


def test_a_closed_backend_keeps_nothing_alive(make_backend: MakeBackend) -> None:
    """Its next heartbeat, which would learn that the sandbox is gone, is hours away."""
    backend = make_backend()
    backend._lifetime = replace(backend._lifetime, seconds=80_000)
    sandbox = backend.open("left", SIZES["standard"], {})
    backend.close()
    name = f"heartbeat {sandbox.id}"
    wait_until(lambda: name not in {each.name for each in threading.enumerate()}, "the end of the heartbeat")


def test_what_is_kept_outlives_its_runner_by_an_hour(server: E2BServer, make_backend: MakeBackend) -> None:
    backend = make_backend()
    sandbox = backend.open("kept", SIZES["standard"], {})
    note = sandbox.kill(keep=True).note
    backend.close()
    (record,) = server.running()
    assert note
    assert f"npx @e2b/cli sandbox connect {record.id}" in note
    assert f"until {record.end_at:%H:%M} UTC" in note
    assert 3_500 < (record.end_at - record.started_at).total_seconds() < 3_700
    server.vanish(record.id)


def test_a_heartbeat_keeps_a_sandbox_alive(server: E2BServer, make_backend: MakeBackend) -> None:
    """Twice as long as it would live by itself."""

    def beaten_for(seconds: float) -> bool | None:
        backend, life = make_backend(), math.ceil(2 * seconds)
        backend._lifetime = replace(backend._lifetime, seconds=life)
        sandbox = backend.open("beating", SIZES["standard"], {})
        time.sleep(2 * life)
        lives = opened_ids(server, "beating") == [sandbox.id]
        sandbox.kill()
        return lives or None

    assert with_enough_time(beaten_for)
