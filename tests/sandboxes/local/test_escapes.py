"""Attempts of programs to escape from a sandbox by other means than files."""

from __future__ import annotations

import fcntl
import os
import platform
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from generator.sandboxes.contract import Resources
from generator.sandboxes.local.isolation import system_spec
from generator.toolchain.host import HostToolchain
from tests.sandboxes.commands import run_in
from tests.sandboxes.conftest import OpenSandbox, Run
from tests.support import HANGS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is for Linux only")

MACHINES = ("x86_64", "aarch64")
# System calls with arguments that succeed for root of a machine. The numbers are the kernel's, by architecture.
CALLS = {
    "mount": ((165, 40), '"none", "/tmp", "tmpfs", 0, 0'),
    "umount2": ((166, 39), '"/usr", 2'),
    "fsopen": ((430, 430), '"tmpfs", 0'),
    "open_tree": ((428, 428), '-100, "/", 1'),
    "move_mount": ((429, 429), '-100, "/", -100, "/tmp", 0'),
    "pivot_root": ((155, 41), '"/", "/"'),
    "chroot": ((161, 51), '"/tmp"'),
    "unshare": ((272, 97), "0x10020000"),
    "swapon": ((167, 224), '"/build/swap", 0'),
    "fanotify_init": ((300, 262), "0, 0"),
    "acct": ((163, 89), '"/build/acct"'),
    "settimeofday": ((164, 170), '"\\0" x 16, 0'),
    "sethostname": ((170, 161), '"x", 1'),
    "mknodat": ((259, 33), '-100, "/build/disk", 0060600, 0xfe00'),
    "reboot": ((169, 142), "0xfee1dead, 672274793, 0"),
}


@pytest.fixture
def kind() -> str:
    return "isolated"


@pytest.mark.attack("a build mounts nothing, leaves no namespace and makes no device")
@pytest.mark.parametrize("name", CALLS)
def test_a_build_changes_nothing_of_the_machine(run: Run, name: str) -> None:
    numbers, given = CALLS[name]
    number = numbers[MACHINES.index(platform.machine())]
    script = f"my @given = ({given}); print syscall({number}, @given) < 0 ? qq(refused) : qq(done)"
    assert run(f"perl -e '{script}'")[1] == ["refused"]


HOLDS_A_TERMINAL = """
import os, sys, threading
from pathlib import Path
from generator.sandboxes.local.backend import LocalBackend
from generator.sandboxes.contract import Command, Resources
from generator.toolchain.host import find_host_toolchain
assert os.isatty(os.open("/dev/tty", os.O_RDWR))
environ = {**os.environ, "npm_config_registry": "https://npm.invalid/"}
backend = LocalBackend(find_host_toolchain(os.environ), threading.Event(), directory=Path(sys.argv[1]), environ=environ)
sandbox = backend.open("crate", Resources(1, 1024), {})
sandbox.run(Command("(: < /dev/tty) 2> /dev/null || echo none; ps -o tty= -p 1", sandbox.root, 600), print)
sandbox.kill()
"""


@pytest.mark.attack("a build cannot type into the terminal that the runner was started from")
def test_a_build_has_no_terminal(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    try:
        done = subprocess.run(  # noqa: TID251
            [sys.executable, "-c", HOLDS_A_TERMINAL, str(tmp_path)], stdin=slave, capture_output=True, text=True, timeout=HANGS,
            check=True, start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY),
        )  # fmt: skip
    finally:
        os.close(master)
        os.close(slave)
    assert done.stdout.split()[0] == "none"


@pytest.mark.attack("a build learns nothing from bubblewrap's own process in its sandbox")
def test_the_first_process_holds_nothing_of_the_runner(
    open_sandbox: OpenSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNNERS_TOKEN", "runners-" + "secret")
    sandbox = open_sandbox(TOKEN="crates-" + "secret")
    script = "tr '\\0' '\\n' < /proc/1/environ | grep -c secret; readlink /proc/1/fd/* | grep -vE '^(pipe|anon_inode):|^/dev/null$'"
    assert run_in(sandbox, script)[1] == ["0"]


@pytest.mark.attack("of the user's paths a build learns only where what it sees anyway lies", entry="W9")
def test_a_build_learns_the_paths_of_nothing_else(run: Run, tmp_path: Path, toolchain: HostToolchain) -> None:
    lines = [line.split() for line in run("cat /proc/self/mountinfo")[1]]
    assert not [
        line for line in lines if line[3].startswith(str(Path.home())) and not is_mounted(line[3], tmp_path, toolchain)
    ]
    inside = {line[4] for line in lines}
    assert not [path for path in inside if path.startswith(("/home", "/root", "/var", "/run", "/mnt", "/sys"))]


def is_mounted(path: str, own: Path, toolchain: HostToolchain) -> bool:
    """Whether a directory of the host is mounted in the sandbox."""
    given = [str(own), *(str(Path(bind.source).resolve()) for bind in (*toolchain.binds, *system_spec().binds))]
    return any(path.startswith(each) or each.endswith(path) for each in given)


@pytest.mark.attack("a small sandbox cannot hold memory in files that the kernel counts nowhere", entry="W1")
def test_secret_memory_is_refused(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox(Resources(cpus=1, memory_mib=100))
    assert run_in(sandbox, "perl -e 'print syscall(447, 0) < 0 ? qq(refused) : qq(done)'")[1] == ["refused"]


@pytest.mark.attack("programs that belong to root give a build no more rights")
def test_a_program_that_sets_its_user_changes_nothing(run: Run) -> None:
    _, lines = run("grep NoNewPrivs /proc/self/status; grep ' /usr ' /proc/mounts")
    assert lines[0] == "NoNewPrivs:\t1"
    assert "nosuid" in lines[1]
