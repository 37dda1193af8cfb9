from __future__ import annotations

import platform
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from generator.sandboxes.contract import Resources
from generator.sandboxes.local.memory import memory_used
from generator.sandboxes.local.process_tree import ProcessTable
from generator.sandboxes.local.supervision import CommandMonitor, HostReserve
from tests.sandboxes.commands import run_in
from tests.sandboxes.conftest import OpenSandbox

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="it is Linux that has such files and sizes")

SHARING = """
import os, time
held = bytearray(os.urandom(1)) * (200 << 20)
for _ in range(3):
    if os.fork() == 0:
        break
print("up", flush=True)
time.sleep(60)
"""


@linux_only
def test_memory_that_processes_share_counts_once_where_it_matters() -> None:
    with subprocess.Popen([sys.executable, "-c", SHARING], stdout=subprocess.PIPE, start_new_session=True) as parent:
        assert parent.stdout is not None
        try:
            for _ in range(4):
                parent.stdout.readline()
            tree = ProcessTable().tree(parent.pid)
            assert len(tree) == 4
            assert memory_used(tree, limit=1 << 40) > 700 << 20
            assert 200 << 20 <= memory_used(tree, limit=300 << 20) < 300 << 20
        finally:
            for process in psutil.Process(parent.pid).children():
                process.kill()
            parent.kill()


HOLDING = """
import mmap, os, time
first, mapped = os.memfd_create("first"), os.memfd_create("mapped")
for _ in range(200):
    os.write(first, bytes(1 << 20))
os.ftruncate(mapped, 100 << 20)
view = mmap.mmap(mapped, 100 << 20)
view.write(b"x" * (100 << 20))
copies = [os.dup(first) for _ in range(3)]
print("up", flush=True)
time.sleep(60)
"""


@linux_only
@pytest.mark.attack("memory in memfd files counts against the limit", entry="W1")
def test_files_in_memory_count_once_whether_mapped_or_not() -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDING], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        try:
            holder.stdout.readline()
            assert 300 << 20 <= memory_used([psutil.Process(holder.pid)], limit=250 << 20) < 350 << 20
        finally:
            holder.kill()


HOG = """perl -e 'my $name = "hog"; open(my $file, ">&=", syscall($ARGV[0], $name, 0)) or die;
print $file "x" x 1048576 for 1..400; close(STDOUT); sleep 60' """


@linux_only
@pytest.mark.attack("memory in memfd files counts against the limit", entry="W1")
def test_a_file_in_memory_beyond_the_limit_ends_the_command(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox(Resources(cpus=1, memory_mib=100))
    numbers = {"x86_64": 319, "aarch64": 279}
    finished, _ = run_in(sandbox, HOG + str(numbers[platform.machine()]))
    assert finished.killed == "memory"


def monitor_of(table: ProcessTable, directory: Path, reserve: HostReserve) -> CommandMonitor:
    stops = (threading.Event(),)
    return CommandMonitor(stops, time.monotonic() + 60, 1 << 40, directory, table, reserve, _next_sample=0.0)


@pytest.mark.attack("the largest build ends before the machine has no memory left", entry="W1")
def test_when_the_machine_runs_out_of_memory_the_command_that_holds_most_ends(tmp_path: Path) -> None:
    table, reserve = ProcessTable(), HostReserve(memory=1 << 62)
    with subprocess.Popen(["sleep", "60"]) as process:
        table.memory_samples.record(-1, 1 << 50)
        assert monitor_of(table, tmp_path, reserve).kill_reason(process.pid) is None
        table.memory_samples.remove(-1)
        assert monitor_of(table, tmp_path, reserve).kill_reason(process.pid) == "memory"
        process.kill()


@pytest.mark.parametrize("reserve", [HostReserve(disk=1 << 62), HostReserve(files=1 << 62)])
@pytest.mark.attack("a build ends before the disk has no bytes or no inodes left", entry="W8")
def test_a_disk_that_holds_no_more_bytes_or_files_ends_the_command(tmp_path: Path, reserve: HostReserve) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        assert monitor_of(ProcessTable(), tmp_path, reserve).kill_reason(process.pid) == "disk"
        process.kill()
