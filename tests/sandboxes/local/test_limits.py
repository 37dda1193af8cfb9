"""Files, processes, network and rights that an isolated sandbox withholds from its crate."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from generator.sandboxes.contract import Command, Resources
from generator.sandboxes.local.isolation import probe_isolation
from tests.sandboxes.commands import alive, gone, run_in
from tests.sandboxes.conftest import OpenSandbox, Run
from tests.support import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is for Linux only")


@pytest.fixture
def kind() -> str:
    return "isolated"


@pytest.fixture
def listener() -> Iterator[int]:
    """Port of a server on the host's own address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_this_machine_can_isolate() -> None:
    assert probe_isolation() is None


@pytest.mark.attack("a build has no network once its dependencies are fetched")
def test_the_hosts_network_is_unreachable_and_the_proxy_closes(open_sandbox: OpenSandbox, listener: int) -> None:
    sandbox = open_sandbox()
    reach = f"(exec 3<> /dev/tcp/127.0.0.1/{listener}) 2> /dev/null && echo reached; cat /proc/net/dev | wc -l"
    proxy = "(exec 3<> /dev/tcp/127.0.0.1/3128) 2> /dev/null && echo connected; ls /etc/fetch 2> /dev/null"
    assert run_in(sandbox, f"{reach}; {proxy}")[1] == [
        "3",
        "connected",
        "proxy",
    ]  # two lines of heading, and its own loopback
    sandbox.close_network()
    assert run_in(sandbox, f"{reach}; {proxy}; true")[1] == ["3"]
    assert run_in(sandbox, "env | grep -iE 'proxy|cert|_ca_|cainfo'; cat /etc/resolv.conf")[0].exit_code != 0


@pytest.mark.attack("abstract sockets of the host are out of reach")
def test_an_abstract_socket_of_the_host_is_out_of_reach_when_the_network_is_closed(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox()
    sandbox.close_network()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0cratematrix-test")
        assert run_in(sandbox, "cat /proc/net/unix | grep -c cratematrix-test")[1] == ["0"]


@pytest.mark.attack("a build reads no file of the user, and of /etc only what we wrote")
def test_nothing_of_the_host_is_readable_that_is_not_needed(run: Run, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    paths = [
        str(secret),
        str(Path.home()),
        "/etc/shadow",
        "/home",
        "/root",
        "/run",
        "/var",
        "/sys",
        "/etc/ssl/private",
    ]
    _, lines = run(
        f"ls -d {shlex.join(paths)} 2> /dev/null; ls -A /tmp; ls -A /home /root /mnt /srv 2> /dev/null; ls /"
    )
    own, links = {"build", "dev", "etc", "proc", "tmp", "usr"}, {"bin", "lib", "lib32", "lib64", "libx32", "sbin"}
    assert own <= set(lines) <= own | links | {"opt"}


@pytest.mark.attack("a build reads no file of the user, and of /etc only what we wrote")
def test_etc_holds_what_we_put_there(run: Run) -> None:
    _, lines = run("cat /etc/passwd /etc/group; ls /etc")
    assert lines[:2] == ["builder:x:1000:1000::/build/home:/bin/bash", "builder:x:1000:"]
    allowed = {"alternatives", "ca-certificates", "certificates", "fetch", "group", "hosts", "nsswitch.conf", "passwd"}
    assert set(lines[2:]) <= allowed | {"ld.so.cache", "ld.so.conf", "ld.so.conf.d", "pki", "ssl"}


@pytest.mark.attack("npm's global configuration and the names of keys are not in a sandbox", entry="W3")
def test_configuration_for_all_users_of_the_host_is_not_there(run: Run) -> None:
    assert run("ls -A /usr/local/etc /usr/etc 2> /dev/null | grep -v :$ | xargs")[1] == [""]
    assert run("cat /proc/keys /proc/key-users 2> /dev/null")[1] == []


@pytest.mark.attack("a build writes to its own directories alone")
def test_only_its_own_directories_can_be_written(run: Run) -> None:
    paths = "/usr/x /bin/x /etc/x /x /opt/x /dev/x /proc/sys/kernel/hostname /usr/bin/bash"
    _, lines = run(f"for path in {paths}; do (: >> $path) 2> /dev/null && echo $path; done; touch /build/x /tmp/x")
    assert lines == []


@pytest.mark.attack("files in shared memory are bounded")
def test_memory_files_are_small(run: Run) -> None:
    _, lines = run("head -c 200M /dev/zero > /dev/shm/x; stat -c %s /dev/shm/x")
    assert int(lines[-1]) <= 64 << 20


@pytest.mark.attack("a build has no capability, gets none, and makes no user namespace")
def test_it_is_nobody_with_no_capability_and_gets_none(run: Run) -> None:
    _, lines = run(
        "id -u; grep -E '^(Cap|NoNewPrivs)' /proc/self/status; unshare -U true && echo nested; su 2>&1; mount"
    )
    assert lines[0] == "1000"
    assert [line.split()[1] for line in lines[1:7]] == ["0" * 16] * 5 + ["1"]
    assert "nested" not in lines


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has something to give up")
@pytest.mark.attack("a build is not root of the host where the runner is")
def test_root_of_the_host_is_given_up(run: Run) -> None:
    run("touch made")
    assert run("stat -c %u made /usr/bin/bash")[1] == ["1000", "65534"]


@pytest.mark.attack("no descriptor of the runner comes into a sandbox")
def test_no_descriptor_of_the_host_comes_in(run: Run) -> None:
    _, lines = run("ls /proc/self/fd; tr '\\0' '\\n' < /proc/1/cmdline | grep -c seten[v]")
    assert lines == ["0", "1", "2", "3", "0"]


@pytest.mark.attack("secrets are on no command line of the host")
def test_values_of_variables_are_on_no_command_line(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox(TOKEN="hidden-" + "value")
    seen: list[str] = []

    def look(line: str) -> None:
        seen.append(line)
        seen.extend(word for one in psutil.process_iter(["cmdline"]) for word in one.info["cmdline"] or ())

    sandbox.run(Command("echo $TOKEN; sleep 0.3", sandbox.root, 30), look)
    assert [word for word in seen if "hidden-value" in word] == ["hidden-value"]


@pytest.mark.attack("sandboxes see neither processes nor files of each other")
def test_sandboxes_do_not_see_each_other(open_sandbox: OpenSandbox, nap: str) -> None:
    one, other = open_sandbox(), open_sandbox()
    run_in(one, "touch /tmp/ones /build/ones /dev/shm/ones")
    sleeper = threading.Thread(target=run_in, args=(one, f"sleep {nap}", 3_600))
    sleeper.start()
    wait_until(lambda: alive(nap), "the sleeper")
    pattern = f"[{nap[0]}]{nap[1:]}"
    _, lines = run_in(other, f"cat /proc/*/cmdline | tr '\\0' ' ' | grep -c '{pattern}'; ls /tmp /dev/shm; ls")
    assert alive(nap)
    one.kill()
    sleeper.join()
    assert lines[0] == "0"
    assert not [line for line in lines if "ones" in line]


@pytest.mark.attack("a fork bomb is bounded, and ends with its time")
def test_the_number_of_processes_is_bounded(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox(Resources(cpus=1, memory_mib=2_048, processes=100))
    spawn = """const {spawn} = require("child_process"); let made = 0, refused = 0
const tell = () => { if (made + refused == 300) { console.log(made, refused); process.exit() } }
for (let i = 0; i < 300; i++) { const one = spawn("sleep", ["3600"]); one.on("error", () => { refused++; tell() }); one.on("spawn", () => { made++; tell() }) }"""
    _, lines = run_in(sandbox, f"node -e '{spawn}'")
    made, refused = map(int, lines[-1].split())
    assert made < 100
    assert refused == 300 - made


@pytest.mark.attack("a fork bomb is bounded, and ends with its time")
def test_a_fork_bomb_ends_with_its_time(open_sandbox: OpenSandbox, nap: str) -> None:
    sandbox = open_sandbox(Resources(cpus=1, memory_mib=2_048, processes=200))
    finished, _ = run_in(
        sandbox, "bomb() { sleep $NAP & bomb | bomb & }; bomb 2> /dev/null; sleep 3600", timeout=2, NAP=nap
    )
    assert finished.killed == "timeout"
    assert gone(nap)


RUNNER = """
import os, sys, threading
from pathlib import Path
from generator.sandboxes.local.backend import LocalBackend
from generator.sandboxes.contract import Command, Resources
from generator.toolchain.host import find_host_toolchain
backend = LocalBackend(find_host_toolchain(os.environ), threading.Event(), directory=Path(sys.argv[1]))
sandbox = backend.open("crate", Resources(2, 1024), {})
script = "(setsid sleep $NAP > /dev/null 2>&1 &) ; (setsid setsid sleep $NAP &) ; echo up; sleep $NAP"
sandbox.run(Command(script, sandbox.root, 600, {"NAP": sys.argv[2]}), lambda line: print(line, flush=True))
"""


@pytest.mark.attack("all processes of a sandbox die with a runner that is killed")
def test_everything_dies_with_a_runner_that_is_killed(open_sandbox: OpenSandbox, tmp_path: Path, nap: str) -> None:
    living = open_sandbox()
    with subprocess.Popen([sys.executable, "-c", RUNNER, str(tmp_path), nap], stdout=subprocess.PIPE) as runner:
        assert runner.stdout is not None
        assert runner.stdout.readline() == b"up\n"
        wait_until(lambda: len(alive(nap)) == 3, "three processes that outlive what started them")
        runner.send_signal(signal.SIGKILL)
    assert gone(nap)
    assert len([path for path in (tmp_path / "sandboxes").iterdir() if path.is_dir()]) == 2
    open_sandbox()  # removes what the dead one left, and not what the living one has
    assert len([path for path in (tmp_path / "sandboxes").iterdir() if path.is_dir()]) == 2
    assert run_in(living, "echo still here")[1] == ["still here"]


def test_a_runner_that_keeps_its_files_to_itself_has_the_same_sandboxes(open_sandbox: OpenSandbox) -> None:
    before = os.umask(0o077)
    try:
        sandbox = open_sandbox()
        _, lines = run_in(sandbox, "id -un; cat /etc/hosts > /dev/null && touch x /tmp/x && stat -c %a x")
    finally:
        os.umask(before)
    assert lines == ["builder", "644"]
