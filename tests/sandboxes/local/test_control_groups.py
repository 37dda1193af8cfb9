"""Limits that the kernel itself holds, on a machine where the runner may divide its control group."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from generator.sandboxes.contract import Resources
from generator.sandboxes.local.control_groups import ControlGroup, ControlGroups, find_control_groups
from tests.sandboxes.commands import run_in
from tests.sandboxes.conftest import OpenSandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="control groups are for Linux only")


@pytest.fixture
def groups() -> ControlGroups:
    found = find_control_groups()
    if found is None:
        pytest.skip("no control group of version 2 above this process is its own to divide")
    return found


@pytest.mark.parametrize(
    ("own", "controllers"),
    [
        ("4:memory:/job\n0::/\n", False),  # version 1, and version 2 beside it elsewhere
        ("4:memory:/job\n", True),
        ("0::/../elsewhere\n", True),  # outside of the container's own
        ("0::/job\n", True),  # whose files are not the kernel's
    ],
)
def test_there_are_no_groups_where_none_can_be_divided(tmp_path: Path, own: str, controllers: bool) -> None:
    (tmp_path / "root/job").mkdir(parents=True)
    if controllers:
        (tmp_path / "root/cgroup.controllers").write_text("cpu memory pids\n")
        (tmp_path / "root/job/cgroup.subtree_control").write_text("")
    (tmp_path / "own").write_text(own)
    assert find_control_groups(tmp_path / "root", tmp_path / "own") is None
    assert not list((tmp_path / "root/job").glob("cratematrix-*"))


def test_what_a_group_holds_is_told_without_what_the_kernel_would_give_up(tmp_path: Path) -> None:
    (tmp_path / "memory.current").write_text("1000\n")
    (tmp_path / "memory.stat").write_text("anon 300\nactive_file 200\ninactive_file 100\nslab_reclaimable 50\nsock 7\n")
    (tmp_path / "memory.events").write_text("max 3\noom_kill 0\n")
    assert ControlGroup(tmp_path).memory == 650
    assert not ControlGroup(tmp_path).ran_out_of_memory
    (tmp_path / "memory.events").write_text("max 3\noom_kill 1\n")
    assert ControlGroup(tmp_path).ran_out_of_memory


def test_nothing_of_a_group_is_left_when_its_command_has_ended(
    groups: ControlGroups, open_sandbox: OpenSandbox
) -> None:
    assert run_in(open_sandbox(), "(setsid sleep 60 &) ; echo done")[1] == ["done"]
    assert [each.name for each in groups.home.iterdir() if each.is_dir()] == []


def test_what_killed_runners_left_is_removed(groups: ControlGroups) -> None:
    dead = groups.home.with_name(f"cratematrix-{2**22 - 1}")
    (dead / "7").mkdir(parents=True)
    find_control_groups.cache_clear()
    assert find_control_groups() is not None
    assert not dead.exists()


@pytest.mark.attack("the kernel bounds memory and processes where groups can be divided", entry="W1")
def test_memory_that_no_process_has_mapped_is_held_to_the_limit(
    groups: ControlGroups, open_sandbox: OpenSandbox
) -> None:
    sandbox = open_sandbox(Resources(cpus=1, memory_mib=100))
    # In the sockets' queues: no sample sees it.
    script = """import socket
held = []
while True:
    pair = socket.socketpair(); held.append(pair); pair[0].setblocking(False)
    try:
        while True: pair[0].send(bytes(100_000))
    except BlockingIOError: pass
"""
    finished, _ = run_in(sandbox, f"ulimit -n $(ulimit -Hn); python3 -c '{script}'", timeout=600)
    assert finished.killed == "memory"


@pytest.mark.attack("the kernel bounds memory and processes where groups can be divided", entry="W1")
def test_the_number_of_processes_is_held_to_the_limit(groups: ControlGroups) -> None:
    with groups.create(Resources(cpus=1, memory_mib=100, processes=10), 1) as group:
        assert (group.path / "pids.max").read_text().strip() == "26"
        assert (group.path / "memory.max").read_text().strip() == str((100 << 20) * 9 // 8)
        assert os.access(group.path / "cgroup.procs", os.W_OK)
