from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

import pytest

from generator.sandboxes.local import supervision as running
from generator.sandboxes.local.process_tree import ProcessTable
from generator.sandboxes.local.supervision import DRAIN_SECONDS, POLL_SECONDS, CommandMonitor, HostReserve, supervise

# From the interruption of a cancelled job to the end that GitHub's runner makes of it.
GITHUB_GIVES_SECONDS = 7.5


def test_a_disk_that_runs_full_ends_the_command(tmp_path: Path) -> None:
    more_than_any_disk_has = 1 << 62
    floor = HostReserve(disk=more_than_any_disk_has)
    watch = CommandMonitor((threading.Event(),), time.monotonic() + 3_600, 1 << 40, tmp_path, ProcessTable(), floor)
    with subprocess.Popen(["/bin/bash", "-c", "exec sleep 3600"], stdout=subprocess.PIPE) as process:
        assert supervise(process, lambda _: None, watch, lambda one: one.kill()) == "disk"
    assert watch.peak_memory > 0


def test_what_a_stop_waits_for_is_a_small_part_of_what_github_gives(tmp_path: Path) -> None:
    """The command itself, which would go on for an hour, is not waited for."""
    stop = threading.Event()
    stop.set()
    watch = CommandMonitor((stop,), time.monotonic() + 3_600, 1 << 40, tmp_path, ProcessTable())
    with subprocess.Popen(["sleep", "3600"], stdout=subprocess.PIPE) as process:
        assert supervise(process, lambda _: None, watch, lambda one: one.kill()) == "stopped"
    assert POLL_SECONDS + DRAIN_SECONDS < GITHUB_GIVES_SECONDS / 5


def test_what_a_command_said_last_is_heard_however_late_the_runner_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "LAST_WORDS_SECONDS", 0.0)
    watch = CommandMonitor((threading.Event(),), time.monotonic() + 3_600, 1 << 40, tmp_path, ProcessTable())
    lines: list[str] = []
    with subprocess.Popen(["echo", "last"], stdout=subprocess.PIPE) as process:
        process.wait()
        assert supervise(process, lines.append, watch, subprocess.Popen.kill) is None
    assert lines == ["last"]
