"""Sandboxes at an unreliable service, and sandboxes whose shell lies."""

from __future__ import annotations

import contextlib
import os
import tarfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from generator.sandboxes.contract import SIZES, SandboxError
from generator.sandboxes.e2b import polling, transfers, upload
from generator.sandboxes.e2b import sandbox as sandbox_module
from generator.sandboxes.e2b.sandbox import E2BSandbox
from tests.e2b_server import Cut, E2BServer, Fault, LoseReply, Say, Stall, Truncate, error, html
from tests.sandboxes.commands import run_in
from tests.sandboxes.e2b.conftest import MakeBackend
from tests.support import wait_until

START = "POST /process.Process/Start"
DOWNLOAD, UPLOAD = "GET /files", "POST /files"
# A login shell reads it before each script of the runner.
PROFILE = "/tmp/home/.bash_profile"


def archive_of(directory: Path, content: bytes) -> Path:
    (directory / "blob").write_bytes(content)
    with tarfile.open(directory / "blob.tar", "w") as tar:
        tar.add(directory / "blob", "blob")
    return directory / "blob.tar"


@pytest.mark.parametrize(
    "fault",
    [
        Stall(3_600),
        Stall(3_600, after=20),
        Cut(40),
        Cut(40, reset=False),
        Truncate(39),
        LoseReply(),
        error(429),
        html(502),
        html(503),
    ],
    ids=str,
)
def test_output_is_delivered_once_and_whole_in_spite_of_broken_streams(
    server: E2BServer, sandbox: E2BSandbox, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK's own timeout abandons a stalled stream."""
    stalls = isinstance(fault, Stall)
    if stalls:
        monkeypatch.setattr(polling, "RESPONSE_SECONDS", 4.0)
    server.inject(START, fault, times=1 if stalls else 3)
    finished, lines = run_in(sandbox, "for i in {1..30}; do echo line $i; sleep 0.02; done; exit 3")
    assert (finished.exit_code, lines) == (3, [f"line {number}" for number in range(1, 31)])


@pytest.mark.parametrize(
    "fault", [Truncate(0.5), Cut(300_000), Cut(300_000, False), LoseReply(), error(429), html(500)], ids=str
)
@pytest.mark.parametrize("plain", [True, False])
def test_a_download_arrives_whole_or_not_at_all(
    server: E2BServer, sandbox: E2BSandbox, tmp_path: Path, fault: Fault, plain: bool
) -> None:
    content = os.urandom(500_000) if plain else b"text to pack " * 100_000
    sandbox.put(archive_of(tmp_path, content), "/build/in")
    server.inject(DOWNLOAD, fault, times=2)
    sandbox.get("/build/in/blob", tmp_path / "back", 1 << 30)
    assert (tmp_path / "back").read_bytes() == content
    server.inject(DOWNLOAD, Truncate(0.5), times=transfers.MAX_ATTEMPTS)
    with pytest.raises(SandboxError, match="the digests differ"):
        sandbox.get("/build/in/blob", tmp_path / "again", 1 << 30)
    assert not (tmp_path / "again").exists()
    server.calm()


@pytest.mark.parametrize("fault", [Cut(), LoseReply(), error(429), error(503), html(502)], ids=str)
def test_an_upload_arrives_whole(server: E2BServer, sandbox: E2BSandbox, tmp_path: Path, fault: Fault) -> None:
    content = os.urandom(3_000_000)
    server.inject(UPLOAD, fault, times=2)
    sandbox.put(archive_of(tmp_path, content), "/build/in")
    assert run_in(sandbox, "wc -c < in/blob; ls -A .transfers")[1][0] == "3000000"


def test_a_stream_that_falls_silent_does_not_hold_up_a_transfer(
    server: E2BServer, sandbox: E2BSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No single stream is waited for as long as unpacking may take."""
    monkeypatch.setattr(polling, "RESPONSE_SECONDS", 4.0)
    archive = archive_of(tmp_path, b"x" * 100_000)
    server.inject(START, Stall(3_600, after=20))
    sandbox.put(archive, "/build/in")
    server.inject(START, Stall(3_600, after=20))
    sandbox.get("/build/in/blob", tmp_path / "back", 1 << 30)
    assert server.pending() == 0
    assert (tmp_path / "back").stat().st_size == 100_000
    server.calm()


def test_an_upload_that_stands_still_is_sent_again(
    server: E2BServer, sandbox: E2BSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "STALL_SECONDS", 4.0)
    server.inject(UPLOAD, Stall(3_600))
    started = time.monotonic()
    sandbox.put(archive_of(tmp_path, b"x" * 100_000), "/build/in")
    assert time.monotonic() - started >= 4
    assert run_in(sandbox, "wc -c < in/blob")[1] == ["100000"]


def test_an_upload_that_stands_still_does_not_hold_up_a_stop(
    server: E2BServer, sandbox: E2BSandbox, tmp_path: Path, stop: threading.Event
) -> None:
    server.inject(UPLOAD, Stall(3_600))
    with ThreadPoolExecutor(1) as pool:
        putting = pool.submit(sandbox.put, archive_of(tmp_path, b"x" * 100_000), "/build/in")
        wait_until(lambda: server.pending() == 0, "the upload")
        stop.set()
        with pytest.raises(SandboxError, match="the run was stopped"):
            putting.result()


def test_too_little_room_is_seen_before_anything_is_sent(
    server: E2BServer, make_backend: MakeBackend, tmp_path: Path
) -> None:
    tiny = make_backend(template="tiny").open("tiny", SIZES["standard"], {})
    server.requests.clear()
    with pytest.raises(SandboxError, match="the sandbox has room for") as caught:
        tiny.put(archive_of(tmp_path, b"x" * 50_000_000), "/build/in")
    assert caught.value.failure_class == "too_small"
    assert "/files" not in {seen.path for seen in server.requests}
    tiny.kill()


def test_a_vanished_sandbox_is_a_transient_failure_of_every_call(
    server: E2BServer, sandbox: E2BSandbox, tmp_path: Path
) -> None:
    threading.Timer(0.5, server.vanish, [sandbox.id]).start()
    with pytest.raises(SandboxError, match="vanished") as caught:
        run_in(sandbox, "sleep 3600", timeout=3_600)
    assert caught.value.failure_class == "transient"
    calls: list[Callable[[], object]] = [
        lambda: sandbox.put(archive_of(tmp_path, b"x"), "/build/in"),
        lambda: sandbox.get("/build/x", tmp_path / "x", 100),
        sandbox.close_network,
        lambda: sandbox.allow_only("auto"),
    ]
    for call in calls:
        with pytest.raises(SandboxError) as caught:
            call()
        assert caught.value.failure_class == "transient"
    assert sandbox.kill().note is None


@pytest.mark.parametrize("fault", [error(500), html(502), LoseReply(), error(429, retry_after="1")], ids=str)
def test_the_network_is_closed_and_the_sandbox_killed_through_a_bad_service(
    server: E2BServer, sandbox: E2BSandbox, fault: Fault
) -> None:
    server.inject("PUT /sandboxes/*/network", fault, times=2)
    server.inject("DELETE /sandboxes/*", fault, times=2)
    sandbox.close_network()
    (record,) = server.running()
    assert not record.network.open
    assert sandbox.kill().note is None
    assert server.running() == ()


def lie(sandbox: E2BSandbox, profile: str) -> None:
    """Replace the responses of the shell by a profile, as a crate's code could."""
    # The poll of this very command may already read the new profile.
    with contextlib.suppress(SandboxError):
        run_in(sandbox, f"echo real > file; cat > {PROFILE} <<'PROFILE'\n{profile}\nPROFILE")


def answer(text: str) -> str:
    """Return a profile that claims that every command has ended and printed this."""
    return f"said='{text}'; echo 0 0 ${{#said}} 0 - 5; printf %s \"$said\" | base64 -w 0; exit"


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ("yes", "response to a script is too long"),
        ("yes >&2", "response to a script is too long"),
        ("head -c 40M /dev/zero | tr '\\0' x; exit", "response to a script is too long"),
        ("echo nonsense; exit", "no usable answer"),
        ("printf '\\xff\\xfe\\x00'; exit", "no usable answer"),
        (answer(f"{'9' * 5_000} {'a' * 64} 1"), "no usable answer"),
        (answer(f"-5 {'a' * 64} 1"), "no usable answer"),
        (answer(f"99999999999 {'a' * 64} 1"), "larger than 100 bytes"),
        (answer(f"50 {'a' * 64} 1"), "the digests differ"),
        (answer(f"3 {'a' * 64} 1"), "the digests differ"),
    ],
)
@pytest.mark.attack("a sandbox at E2B that lies about files or commands is not believed")
def test_a_sandbox_that_lies_about_a_file(sandbox: E2BSandbox, tmp_path: Path, profile: str, message: str) -> None:
    lie(sandbox, profile)
    with pytest.raises(SandboxError, match=message):
        sandbox.get("/build/file", tmp_path / "file", 100)
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ("yes", "response to a script is too long"),
        (f"echo {'9' * 5_000}; exit", "digests differ|no usable answer"),
        ("echo '0 0 0 0 - " + "9" * 400 + "'; exit", "no usable answer"),
        ("echo '0 0 999999999999 0 - 5'; exit", None),
    ],
)
@pytest.mark.attack("a sandbox at E2B that lies about files or commands is not believed")
def test_a_sandbox_that_lies_about_a_command(
    sandbox: E2BSandbox, tmp_path: Path, profile: str, message: str | None
) -> None:
    lie(sandbox, profile)
    if message is None:
        finished, lines = run_in(sandbox, "echo unheard")
        assert (finished.killed, lines) == (None, [])
    else:
        with pytest.raises(SandboxError, match=message):
            run_in(sandbox, "true")


@pytest.mark.attack("a sandbox at E2B that lies about files or commands is not believed")
def test_a_sandbox_that_lies_about_its_disk_is_not_believed(sandbox: E2BSandbox, tmp_path: Path) -> None:
    lie(sandbox, f"df() {{ printf 'Avail\\n{'9' * 5_000}\\n'; }}; export -f df")
    sandbox.put(archive_of(tmp_path, b"x"), "/build/in")
    sandbox.get("/build/in/blob", tmp_path / "back", 100)
    assert (tmp_path / "back").read_bytes() == b"x"


@pytest.mark.attack("a sandbox at E2B that lies about files or commands is not believed")
def test_answers_are_bounded(sandbox: E2BSandbox) -> None:
    assert sandbox_module.MAX_RESPONSE_CHARS < 10_000_000
    finished, lines = run_in(sandbox, "head -c 5000000 /dev/zero | tr '\\0' x")
    assert finished.exit_code == 0
    assert sum(map(len, lines)) == 5_000_000


def test_a_failing_kill_says_when_it_ends_by_itself(
    server: E2BServer, sandbox: E2BSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox_module, "KILL_RETRY_SECONDS", 0.5)
    server.inject("DELETE /sandboxes/*", Say(500, {"code": 500, "message": "oh"}), times=9)
    note = sandbox.kill().note
    server.calm()
    assert note
    assert "could not be killed" in note
    assert "it ends by itself at" in note
