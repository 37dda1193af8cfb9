from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from generator.sandboxes.local.process_tree import MARK_VARIABLE, ProcessTable, kill_marked, listed_children
from tests.support import LIMIT


@pytest.mark.parametrize("lists_children", [True, False])
def test_a_tree_holds_descendants_of_descendants(lists_children: bool) -> None:
    if lists_children and not Path("/proc/thread-self/children").exists():
        pytest.skip("not run: this kernel does not list the children of processes")
    script = "(sleep 5.75; :) & echo up; wait; :"
    with subprocess.Popen(["/bin/bash", "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        names = [process.name() for process in ProcessTable(lists_children).tree(parent.pid)]
        parent.kill()
        assert names[:2] == ["bash", "bash"]


def test_what_is_ended_keeps_its_exit_code_for_whoever_started_it() -> None:
    for number in range(5):
        mark = f"exit-code-{number}"
        with subprocess.Popen(["sleep", "3600"], env={MARK_VARIABLE: mark, "PATH": "/usr/bin:/bin"}) as sleeper:
            kill_marked(None, mark)
            assert sleeper.wait(LIMIT) == -signal.SIGKILL


def test_a_process_that_has_ended_has_no_children() -> None:
    with subprocess.Popen(["true"]) as ended:
        ended.wait(LIMIT)
    assert listed_children(ended.pid) == []


def test_a_process_may_end_while_its_children_are_listed() -> None:
    """Its directory is there for a moment longer than it can be read."""
    for _ in range(200):
        with subprocess.Popen(["true"]) as ending:
            while ending.poll() is None:
                listed_children(ending.pid)
