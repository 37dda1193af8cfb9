"""Detached commands on this machine's bash, over a connection that the test breaks."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from e2b import exceptions as sdk

from generator.sandboxes.contract import Command, CommandResult, SandboxError
from generator.sandboxes.e2b import polling
from generator.sandboxes.e2b.detached import DetachedCommand, read_poll
from generator.sandboxes.e2b.polling import CommandPoller
from tests.sandboxes.commands import gone
from tests.support import LIMIT, with_enough_time

_NAPS = itertools.count(7_000)


class Wire:
    """Shell that can fail before a script runs, or afterwards, when only the response is lost."""

    def __init__(self, root: Path) -> None:
        self.root, self.calls = root, 0
        self.before: Callable[[int], None] = lambda _: None
        self.after: Callable[[int], None] = lambda _: None

    def __call__(self, script: str, timeout: float, env: Mapping[str, str] | None = None) -> str:
        self.calls += 1
        self.before(self.calls)
        environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **(env or {})}
        done = subprocess.run(  # noqa: TID251
            ["/bin/bash", "-l", "-c", script],
            check=False,
            env=environ,
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        self.after(self.calls)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def wire(tmp_path: Path) -> Wire:
    return Wire(tmp_path)


@pytest.fixture
def nap() -> str:
    return f"{next(_NAPS)}.{os.getpid()}"


def run(
    wire: Wire,
    script: str,
    timeout: float = LIMIT,
    is_gone: bool = False,
    stop: threading.Event | None = None,
    number: int = 1,
    **env: str,
) -> tuple[CommandResult, list[str]]:
    lines: list[str] = []
    poller = CommandPoller(wire, lambda: is_gone, (stop or threading.Event(),))
    given = {"HOME": str(wire.root), "PATH": os.environ["PATH"], **env}
    command = Command(script, str(wire.root), timeout)
    return poller.run(DetachedCommand(f"{wire.root}/.commands/{number}"), command, given, lines.append), lines


def test_a_poll_that_waits_starts_few_processes(tmp_path: Path) -> None:
    """The build beside it needs the processors, for as long as it takes."""
    for name in ("cat", "sleep", "stat"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho >>"$0.started"\nPATH="{os.environ["PATH"]}"\nexec {name} "$@"\n')
        (tmp_path / name).chmod(0o755)
    (tmp_path / "log").touch()
    script = DetachedCommand(str(tmp_path)).poll_script(0, 1.0)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], check=True, env=env, capture_output=True, text=True, timeout=LIMIT)  # noqa: TID251
    assert read_poll(done.stdout, 0).end is None
    assert sum(len(file.read_text()) for file in tmp_path.glob("*.started")) <= 5


def test_a_lost_reply_to_the_start_does_not_start_it_twice(wire: Wire) -> None:
    def lose(count: int) -> None:
        if count in (1, 2):
            raise sdk.SandboxUnreachableException("the stream was dropped")

    wire.after = lose
    finished, lines = run(wire, "echo started; date +%N >> starts; wc -l < starts")
    assert (finished.exit_code, lines) == (0, ["started", "1"])


def test_output_is_neither_lost_nor_repeated_when_two_of_three_answers_are(wire: Wire) -> None:
    def lose(count: int) -> None:
        if count % 3:
            raise ConnectionResetError("reset")

    wire.after = lose
    _, lines = run(wire, "for i in {1..400}; do echo line $i; [ $((i % 40)) = 0 ] && sleep 0.05; done")
    assert lines == [f"line {number}" for number in range(1, 401)]


def test_ten_thousand_small_writes_all_arrive(wire: Wire) -> None:
    assert run(wire, "for i in {1..10000}; do echo $i; done")[1] == [str(number) for number in range(1, 10_001)]


def test_characters_may_be_cut_anywhere(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.sandboxes.e2b.detached.MAX_CHUNK_BYTES", 7)
    assert run(wire, "printf 'grün\\nこんにちは\\n末'")[1] == ["grün", "こんにちは", "末"]


def test_silence_of_the_command_is_no_failure(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """The heartbeat, which the supervisor writes every two seconds, comes later on a busy machine."""

    def silent(seconds: float) -> tuple[int, list[str]] | None:
        monkeypatch.setattr(polling, "HEARTBEAT_TIMEOUT", int(2 + seconds))
        with contextlib.suppress(SandboxError):
            finished, lines = run(wire, f"sleep {int(5 + seconds)}; echo linked", timeout=600, number=int(seconds))
            return finished.exit_code, lines
        return None

    assert with_enough_time(silent) == (0, ["linked"])


def test_a_supervisor_that_is_gone_is_noticed(wire: Wire, monkeypatch: pytest.MonkeyPatch, nap: str) -> None:
    monkeypatch.setattr(polling, "HEARTBEAT_TIMEOUT", 1)
    own = f"{wire.root}/.commands/1"
    with pytest.raises(SandboxError, match="it sends no heartbeat") as caught:
        run(wire, f"pkill -KILL -f '^bash --norc --noprofile -c.*supervisor {own} '; exec sleep {nap}")
    assert caught.value.failure_class == "transient"
    subprocess.run(["pkill", "-f", f"^sleep {nap}"], check=False)  # noqa: TID251


def test_no_answer_for_long_is_a_transient_failure(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "RETRY_SECONDS", 1.0)

    def fail(count: int) -> None:
        if count > 1:
            raise sdk.SandboxException("502: bad gateway", status_code=502)

    wire.before = fail
    with pytest.raises(SandboxError, match="output cannot be read: 502: bad gateway") as caught:
        run(wire, "sleep 1")
    assert caught.value.failure_class == "transient"


@pytest.mark.parametrize("really", [True, False])
def test_a_sandbox_is_gone_only_when_the_control_plane_says_so(wire: Wire, really: bool) -> None:
    def fail(count: int) -> None:
        if count == 2:
            raise sdk.SandboxNotRunningException("502: The sandbox was not found")

    wire.before = fail
    if really:
        with pytest.raises(SandboxError, match="vanished"):
            run(wire, "sleep 1; echo done", is_gone=True)
    else:
        assert run(wire, "sleep 1; echo done")[1] == ["done"]


def test_a_timeout_ends_everything_that_was_started(wire: Wire, nap: str) -> None:
    def begun_in(seconds: float) -> CommandResult | None:
        script = "(setsid sleep $NAP &) ; echo begun; sleep $NAP"
        finished, lines = run(wire, script, timeout=seconds, number=int(seconds), NAP=nap)
        assert (finished.killed, finished.exit_code) == ("timeout", 137)
        assert finished.seconds >= seconds
        return finished if lines == ["begun"] else None

    assert with_enough_time(begun_in)
    assert gone(nap)


def test_a_stop_ends_everything_that_was_started(wire: Wire, nap: str) -> None:
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    finished, _ = run(wire, "(setsid sleep $NAP &) ; trap '' TERM INT; sleep $NAP", 3_600, stop=stop, NAP=nap)
    assert finished.killed == "stopped"
    assert gone(nap)


def test_the_runner_ends_what_the_supervisor_does_not(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "GRACE_SECONDS", -3_598.5)
    assert run(wire, "echo on; sleep 3600", timeout=3_600)[0].killed == "timeout"


def test_output_beyond_the_bound_is_read_and_thrown_away(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.sandboxes.e2b.detached.MAX_LOG_BYTES", 100_000)
    monkeypatch.setattr(polling, "MAX_LOG_BYTES", 100_000)
    finished, lines = run(wire, "seq 1000000; echo last >&2; exit 3")
    assert finished.exit_code == 3
    assert sum(len(line) + 1 for line in lines[:-2]) <= 100_001
    assert lines[-1].endswith("the rest is left out)")


@pytest.mark.parametrize(
    "response",
    [
        "",
        "0",
        "0 1 2",
        "5 0 0 running\n",
        "0 0 0 running\n!!!",
        "0 x 0 running\n",
        "0 0 0 1 - x\n",
        "\0\n",
        "0 0 0 running running",
    ],
)
def test_an_invalid_response_is_refused(response: str) -> None:
    with pytest.raises(SandboxError):
        read_poll(response, 0)


@pytest.mark.attack("secrets are in no argument of a command at E2B")
def test_no_secret_is_in_an_argument(wire: Wire) -> None:
    _, lines = run(
        wire,
        "cat /proc/*/cmdline 2> /dev/null | tr '\\0' '\\n' | grep -c hidden[-]value; echo $SECRET",
        SECRET="hidden-value",
    )
    assert lines[-1] == "hidden-value"
    assert lines[0] == "0"
