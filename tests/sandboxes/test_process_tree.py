from __future__ import annotations

import signal
import subprocess
import sys

import psutil
import pytest

from generator.sandboxes.process_tree import MARK, ProcessTable, end_marked, memory_of
from tests.support import LIMIT

SHARING = """
import os, time
held = bytearray(os.urandom(1)) * (200 << 20)
for _ in range(3):
    if os.fork() == 0:
        break
print("up", flush=True)
time.sleep(3600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="macOS knows no proportional size")
def test_memory_that_processes_share_counts_once_where_it_matters() -> None:
    with subprocess.Popen([sys.executable, "-c", SHARING], stdout=subprocess.PIPE, start_new_session=True) as parent:
        assert parent.stdout is not None
        try:
            for _ in range(4):
                parent.stdout.readline()
            tree = ProcessTable().tree(parent.pid)
            assert len(tree) == 4
            assert memory_of(tree, limit=1 << 40) > 700 << 20
            assert 200 << 20 <= memory_of(tree, limit=300 << 20) < 300 << 20
        finally:
            for process in psutil.Process(parent.pid).children():
                process.kill()
            parent.kill()


def test_a_tree_holds_descendants_of_descendants() -> None:
    script = "(sleep 5.75; :) & echo up; wait; :"
    with subprocess.Popen(["/bin/bash", "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        names = [process.name() for process in ProcessTable().tree(parent.pid)]
        parent.kill()
        assert names[:2] == ["bash", "bash"]


def test_what_is_ended_keeps_its_exit_code_for_whoever_started_it() -> None:
    for number in range(5):
        mark = f"exit-code-{number}"
        with subprocess.Popen(["sleep", "3600"], env={MARK: mark, "PATH": "/usr/bin:/bin"}) as sleeper:
            end_marked(None, mark)
            assert sleeper.wait(LIMIT) == -signal.SIGKILL
