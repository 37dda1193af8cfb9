"""Commands: what they are given, what is told of them, and what outlives what."""

from __future__ import annotations

import hashlib
import time

import pytest
from e2b import CommandExitException, Sandbox
from e2b.exceptions import InvalidArgumentException, SandboxException, TimeoutException

from tests.e2b_server import E2BServer
from tests.sandboxes.commands import gone
from tests.support import wait_until, with_enough_time


def until(name: str) -> str:
    """A line of shell that waits for a file of /build."""
    return f"until [ -e /build/{name} ]; do sleep 0.05; done"


def wait_for(sandbox: Sandbox, name: str) -> None:
    """Wait for a file of /build."""
    wait_until(lambda: sandbox.files.exists(f"/build/{name}"), f"the file {name}")


def processes(sandbox: Sandbox) -> str:
    """The command lines of all that runs."""
    return str(sandbox.commands.run("cat /proc/[0-9]*/cmdline | tr '\\0' ' '").stdout)


def test_output_comes_live_and_both_streams_apart(sandbox: Sandbox) -> None:
    """The command goes on only when its first line has been heard."""
    heard: list[str] = []

    def hear(text: str) -> None:
        heard.append(text)
        sandbox.files.write("/build/heard", "")

    done = sandbox.commands.run(f"echo one; {until('heard')}; echo two; echo err >&2", on_stdout=hear, timeout=0)
    assert (done.stdout, done.stderr) == ("one\ntwo\n", "err\n")
    assert heard == ["one\n", "two\n"]


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
    assert time.monotonic() - started > 0.6


def test_what_is_left_behind_lives_on_until_the_sandbox_ends(sandbox: Sandbox) -> None:
    sandbox.commands.run("setsid sleep 61 > /dev/null 2>&1 &")
    assert "sleep 61" in processes(sandbox)
    sandbox.kill()
    assert gone("61")


def test_a_timeout_kills_the_leader_and_nothing_below_it(sandbox: Sandbox) -> None:
    def begun_in(seconds: float) -> bool | None:
        with pytest.raises(TimeoutException):
            sandbox.commands.run(
                "setsid sleep 62 > /dev/null 2>&1 & echo $$ > /build/leader.new; mv /build/leader.new /build/leader; exec sleep 3600",
                timeout=seconds,
            )
        return sandbox.files.exists("/build/leader") or None

    assert with_enough_time(begun_in)
    leader = "[ -e /proc/$(cat /build/leader) ] || echo gone"
    wait_until(lambda: sandbox.commands.run(leader).stdout == "gone\n", "the leader's end")
    assert "sleep 62" in processes(sandbox)


def test_a_kill_hits_the_leader_alone_and_says_whether_there_was_one(sandbox: Sandbox) -> None:
    running = sandbox.commands.run(
        "setsid sleep 64 > /dev/null 2>&1 & : > /build/up; exec sleep 3600", background=True, timeout=0
    )
    wait_for(sandbox, "up")
    (listed,) = sandbox.commands.list()
    assert (listed.pid, listed.cmd, listed.args[:2]) == (running.pid, "/bin/bash", ["-l", "-c"])
    assert sandbox.commands.kill(running.pid) is True
    with pytest.raises(CommandExitException) as caught:
        running.wait()
    assert caught.value.error == "signal: killed"
    assert sandbox.commands.kill(running.pid) is False
    assert sandbox.commands.list() == []
    wait_until(lambda: "sleep 64" in processes(sandbox), "what the leader started")


def test_input_is_written_and_closed(sandbox: Sandbox) -> None:
    running = sandbox.commands.run("cat; echo over", background=True, stdin=True)
    sandbox.commands.send_stdin(running.pid, "given\n")
    sandbox.commands.close_stdin(running.pid)
    assert running.wait().stdout == "given\nover\n"
    deaf = sandbox.commands.run("sleep 3600", background=True, timeout=0)
    with pytest.raises(SandboxException, match="stdin not enabled"):
        sandbox.commands.send_stdin(deaf.pid, "x")


def test_a_command_goes_on_without_listeners_and_what_it_says_then_is_lost(sandbox: Sandbox) -> None:
    """What follows "unheard" is more than a pipe holds, so that the server has read as far as that when it is written."""
    unheard = f"{until('alone')}; echo unheard; head -c 1M /dev/zero; : > /build/said"
    script = f"echo early; {unheard}; {until('heard')}; echo; echo late; exit 4"
    running = sandbox.commands.run(script, background=True, timeout=0)
    running.disconnect()
    sandbox.files.write("/build/alone", "")
    wait_for(sandbox, "said")
    again = sandbox.commands.connect(running.pid, timeout=0)
    sandbox.files.write("/build/heard", "")
    with pytest.raises(CommandExitException) as caught:
        again.wait()
    assert caught.value.exit_code == 4
    assert caught.value.stdout.strip("\0") == "\nlate\n"


def test_the_end_of_a_command_can_be_asked_for_afterwards(sandbox: Sandbox) -> None:
    running = sandbox.commands.run("exit 5", background=True)
    wait_until(lambda: sandbox.commands.list() == [], "the command's end")
    with pytest.raises(CommandExitException) as caught:
        sandbox.commands.connect(running.pid).wait()
    assert caught.value.exit_code == 5


def test_a_slow_listener_holds_the_command_up_and_a_gone_one_does_not(sandbox: Sandbox) -> None:
    running = sandbox.commands.run("head -c 64M /dev/zero; : > /build/done", background=True, timeout=0)
    time.sleep(0.5)
    assert not sandbox.files.exists("/build/done")
    running.disconnect()
    wait_for(sandbox, "done")


def test_large_output_arrives_whole(sandbox: Sandbox) -> None:
    digest = sandbox.commands.run(
        "head -c 3M /dev/urandom | base64 -w 76 > /build/text; sha256sum < /build/text"
    ).stdout
    said = sandbox.commands.run("cat /build/text").stdout
    assert hashlib.sha256(said.encode()).hexdigest() == digest.split()[0]


def test_commands_are_walled_in_as_local_ones_are(sandbox: Sandbox) -> None:
    refused = "touch /x || echo 1; unshare -U true || echo 2; grep CapEff /proc/self/status; ls /root /work || echo 3"
    assert sandbox.commands.run(f"({refused}) 2> /dev/null").stdout == "1\n2\nCapEff:\t0000000000000000\n3\n"
