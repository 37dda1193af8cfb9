"""Refused system calls, and keys of the kernel, which no namespace isolates."""

from __future__ import annotations

import ctypes
import platform
import sys

import pytest

from generator.sandboxes.contract import Resources
from generator.sandboxes.local.system_calls import REFUSED_CALLS, system_call_filter
from tests.sandboxes.commands import run_in
from tests.sandboxes.conftest import OpenSandbox, Run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is for Linux only")

# The kernel's numbers, by architecture.
NUMBERS = {
    "x86_64": {
        "socket": 41, "keyctl": 250, "add_key": 248, "request_key": 249, "io_uring_setup": 425, "io_uring_enter": 426,
        "io_uring_register": 427, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "syslog": 103, "shmget": 29,
        "msgget": 68, "semget": 64, "memfd_secret": 447, "sched_setaffinity": 203,
    },
    "aarch64": {
        "socket": 198, "keyctl": 219, "add_key": 217, "request_key": 218, "io_uring_setup": 425, "io_uring_enter": 426,
        "io_uring_register": 427, "bpf": 280, "perf_event_open": 241, "userfaultfd": 282, "syslog": 116, "shmget": 194,
        "msgget": 186, "semget": 190, "memfd_secret": 447, "sched_setaffinity": 122,
    },
}[platform.machine()]  # fmt: skip
EPERM, EAFNOSUPPORT, ENOKEY = 1, 97, 126
SESSION = -3
SEARCH = 10


@pytest.fixture
def kind() -> str:
    return "isolated"


def call(name: str, *words: int | str) -> str:
    """Return a script that makes a system call and prints the error number, or "done"."""
    given = ", ".join(f'"{word}"' if isinstance(word, str) else str(word) for word in words)
    return f"perl -e 'my @given = ({given}); print syscall({NUMBERS[name]}, @given) < 0 ? $! + 0 : qq(done), qq(\\n)'"


@pytest.mark.parametrize("name", REFUSED_CALLS)
@pytest.mark.attack("keyrings, io_uring, bpf and what else no namespace holds are refused", entry="H5")
def test_calls_that_no_namespace_holds_are_refused(run: Run, name: str) -> None:
    assert run(call(name, 0, 0, 0, 0, 0))[1] == [str(EPERM)]


@pytest.mark.attack("a build cannot take more processors than it was given", entry="W4")
def test_a_sandbox_keeps_its_number_of_processors(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox(Resources(cpus=1, memory_mib=1024))
    assert run_in(sandbox, "taskset -pc 0-63 $$ > /dev/null 2>&1; nproc")[1] == ["1"]


@pytest.mark.parametrize(
    "family", [40, 38, 3, 0x1_0000_0028]
)  # virtual machines' sockets, and again: in the lower half
@pytest.mark.attack("a sandbox makes no sockets of virtual machines or other families", entry="W10")
def test_sockets_are_of_families_that_the_network_namespace_holds(run: Run, family: int) -> None:
    assert run(call("socket", family, 1, 0))[1] == [str(EAFNOSUPPORT)]


@pytest.mark.parametrize("family", [1, 2])
def test_other_sockets_are_made_as_ever(run: Run, family: int) -> None:
    assert run(call("socket", family, 1, 0))[1] == ["done"]


@pytest.mark.attack("calls of another instruction set get around no filter")
def test_a_program_for_another_instruction_set_is_killed() -> None:
    program = system_call_filter()
    assert program is not None
    # The first two instructions: load the number of the architecture, and go to the last one where it is another.
    assert program[:8] == b"\x20\0\0\0\x04\0\0\0"
    assert program[-8:] == b"\x06\0\0\0\0\0\0\0"


@pytest.fixture
def without_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without libseccomp."""
    monkeypatch.setattr("generator.sandboxes.local.isolation.system_call_filter", lambda: None)


@pytest.mark.usefixtures("without_filter")
@pytest.mark.attack("a build cannot read the runner's keyring, even without the filter", entry="H5")
def test_the_runners_own_keys_are_out_of_reach(run: Run) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(NUMBERS["add_key"], b"user", b"cratematrix-own", b"secret", 6, SESSION) < 0:
        pytest.skip("there are no keyrings here")
    assert run(call("keyctl", SEARCH, SESSION, "user", "cratematrix-own", 0))[1] == [str(ENOKEY)]


@pytest.mark.usefixtures("without_filter")
@pytest.mark.attack("a build leaves no key for the next one, even without the filter", entry="H5")
def test_no_key_is_left_for_the_next_sandbox(open_sandbox: OpenSandbox) -> None:
    left = run_in(open_sandbox(), call("add_key", "user", "cratematrix-left", "secret", 6, SESSION))[1]
    if left != ["done"]:
        pytest.skip("there are no keyrings here")
    assert run_in(open_sandbox(), call("keyctl", SEARCH, SESSION, "user", "cratematrix-left", 0))[1] == [str(ENOKEY)]
