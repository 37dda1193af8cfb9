"""Commands: what they are given, what is told of them, and what outlives what."""

from __future__ import annotations

import time

import pytest
from e2b import CommandExitException, Sandbox
from e2b.exceptions import InvalidArgumentException, SandboxException, TimeoutException

from tests.e2b_server import E2BServer
from tests.sandboxes.watching import gone


def test_output_comes_live_and_both_streams_apart(sandbox: Sandbox) -> None:
    heard: list[tuple[float, str]] = []
    done = sandbox.commands.run(
        "echo one; sleep 0.4; echo two; echo err >&2", on_stdout=lambda text: heard.append((time.monotonic(), text))
    )
    assert (done.stdout, done.stderr) == ("one\ntwo\n", "err\n")
    assert [text for _, text in heard] == ["one\n", "two\n"]
    assert heard[1][0] - heard[0][0] > 0.3


def test_a_command_gets_its_variables_directory_and_user(server: E2BServer, sandbox: Sandbox) -> None:
    done = sandbox.commands.run(
        "echo $PATH $A $USER; pwd; id -u; cargo --version | cut -c 1-5", cwd="/build", envs={"A": "given"}
    )
    assert done.stdout == f"{server.path} given user\n/build\n1000\ncargo\n"


def test_a_directory_that_is_not_there_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(InvalidArgumentException, match="cwd '/build/none' does not exist"):
        sandbox.commands.run("true", cwd="/build/none")


@pytest.mark.parametrize(
    ("script", "code", "error"),
    [("exit 3", 3, "exit status 3"), ("kill -9 $$", -1, "signal: killed"), ("kill -15 $$", -1, "signal: terminated")],
)
def test_how_a_command_ends_is_told(sandbox: Sandbox, script: str, code: int, error: str) -> None:
    with pytest.raises(CommandExitException) as caught:
        sandbox.commands.run(f"echo last words; {script}")
    assert (caught.value.exit_code, caught.value.error, caught.value.stdout) == (code, error, "last words\n")


def test_a_command_is_over_when_nobody_holds_its_output_any_more(sandbox: Sandbox) -> None:
    started = time.monotonic()
    assert sandbox.commands.run("sleep 0.7 & echo leader").stdout == "leader\n"
    assert 0.6 < time.monotonic() - started < 3


def test_what_is_left_behind_lives_on_until_the_sandbox_ends(sandbox: Sandbox) -> None:
    sandbox.commands.run("setsid sleep 61 > /dev/null 2>&1 &")
    assert "sleep 61" in sandbox.commands.run("cat /proc/[0-9]*/cmdline | tr '\\0' ' '").stdout
    sandbox.kill()
    assert gone("61")


def test_a_timeout_kills_the_leader_and_nothing_below_it(sandbox: Sandbox) -> None:
    with pytest.raises(TimeoutException):
        sandbox.commands.run("setsid sleep 62 > /dev/null 2>&1 & echo $$ > /build/leader; exec sleep 63", timeout=0.5)
    left = sandbox.commands.run(
        "cat /proc/[0-9]*/cmdline | tr '\\0' ' '; [ -e /proc/$(cat /build/leader) ] || echo gone"
    ).stdout
    assert "sleep 62" in left
    assert "gone" in left


def test_a_kill_hits_the_leader_alone_and_says_whether_there_was_one(sandbox: Sandbox) -> None:
    running = sandbox.commands.run(
        "setsid sleep 64 > /dev/null 2>&1 & echo up; exec sleep 65", background=True, timeout=0
    )
    (listed,) = sandbox.commands.list()
    assert (listed.pid, listed.cmd, listed.args[:2]) == (running.pid, "/bin/bash", ["-l", "-c"])
    assert sandbox.commands.kill(running.pid) is True
    with pytest.raises(CommandExitException) as caught:
        running.wait()
    assert caught.value.error == "signal: killed"
    assert sandbox.commands.kill(running.pid) is False
    assert sandbox.commands.list() == []
    assert "sleep 64" in sandbox.commands.run("cat /proc/[0-9]*/cmdline | tr '\\0' ' '").stdout


def test_input_is_written_and_closed(sandbox: Sandbox) -> None:
    running = sandbox.commands.run("cat; echo over", background=True, stdin=True)
    sandbox.commands.send_stdin(running.pid, "given\n")
    sandbox.commands.close_stdin(running.pid)
    assert running.wait().stdout == "given\nover\n"
    deaf = sandbox.commands.run("sleep 1", background=True)
    with pytest.raises(SandboxException, match="stdin not enabled"):
        sandbox.commands.send_stdin(deaf.pid, "x")


def test_a_command_goes_on_without_listeners_and_what_it_says_then_is_lost(sandbox: Sandbox) -> None:
    running = sandbox.commands.run("echo early; sleep 0.6; echo unheard; sleep 0.6; echo late; exit 4", background=True)
    running.disconnect()
    time.sleep(0.9)
    again = sandbox.commands.connect(running.pid)
    with pytest.raises(CommandExitException) as caught:
        again.wait()
    assert (caught.value.exit_code, caught.value.stdout) == (4, "late\n")


def test_the_end_of_a_command_can_be_asked_for_afterwards(sandbox: Sandbox) -> None:
    running = sandbox.commands.run("exit 5", background=True)
    time.sleep(0.3)
    with pytest.raises(CommandExitException) as caught:
        sandbox.commands.connect(running.pid).wait()
    assert caught.value.exit_code == 5


def test_a_slow_listener_holds_the_command_up_and_a_gone_one_does_not(sandbox: Sandbox) -> None:
    running = sandbox.commands.run("head -c 64M /dev/zero; : > /build/done", background=True)
    time.sleep(0.5)
    assert not sandbox.files.exists("/build/done")
    running.disconnect()
    for _ in range(50):
        if sandbox.files.exists("/build/done"):
            return
        time.sleep(0.1)
    pytest.fail("the command does not go on")


def test_large_output_arrives_whole(sandbox: Sandbox) -> None:
    digest = sandbox.commands.run(
        "head -c 3M /dev/urandom | base64 -w 76 > /build/text; sha256sum < /build/text"
    ).stdout
    said = sandbox.commands.run("cat /build/text").stdout
    import hashlib

    assert hashlib.sha256(said.encode()).hexdigest() == digest.split()[0]


def test_commands_are_walled_in_as_local_ones_are(sandbox: Sandbox) -> None:
    refused = "touch /x || echo 1; unshare -U true || echo 2; grep CapEff /proc/self/status; ls /root /work || echo 3"
    assert sandbox.commands.run(f"({refused}) 2> /dev/null").stdout == "1\n2\nCapEff:\t0000000000000000\n3\n"
