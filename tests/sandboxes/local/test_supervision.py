from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

import pytest

from generator.sandboxes.local import supervision
from generator.sandboxes.local.process_tree import ProcessTable
from generator.sandboxes.local.supervision import DRAIN_SECONDS, POLL_SECONDS, CommandMonitor, HostReserve, supervise

# Seconds from the interrupt of a cancelled job until GitHub's runner kills it.
GITHUB_CANCEL_SECONDS = 7.5


def test_a_disk_that_runs_full_ends_the_command(tmp_path: Path) -> None:
    more_than_any_disk_has = 1 << 62
    reserve = HostReserve(disk=more_than_any_disk_has)
    monitor = CommandMonitor((threading.Event(),), time.monotonic() + 3_600, 1 << 40, tmp_path, ProcessTable(), reserve)
    with subprocess.Popen(["/bin/bash", "-c", "exec sleep 3600"], stdout=subprocess.PIPE) as process:
        assert supervise(process, lambda _: None, monitor, lambda one: one.kill()) == "disk"
    assert monitor.peak_memory > 0


def test_what_a_failed_command_lacked_is_told_by_the_machine(tmp_path: Path) -> None:
    stops, deadline = (threading.Event(),), time.monotonic() + 3_600
    full = HostReserve(disk=1 << 62)
    assert CommandMonitor(stops, deadline, 1 << 40, tmp_path, ProcessTable(), full).shortage() == "disk"
    killed = CommandMonitor(stops, deadline, 1 << 40, tmp_path, ProcessTable(), killed_before=-1)
    assert killed.shortage() == "memory"


def test_a_stop_takes_a_small_part_of_the_time_that_github_grants(tmp_path: Path) -> None:
    """The command itself would run for an hour."""
    stop = threading.Event()
    stop.set()
    monitor = CommandMonitor((stop,), time.monotonic() + 3_600, 1 << 40, tmp_path, ProcessTable())
    with subprocess.Popen(["sleep", "3600"], stdout=subprocess.PIPE) as process:
        assert supervise(process, lambda _: None, monitor, lambda one: one.kill()) == "stopped"
    assert POLL_SECONDS + DRAIN_SECONDS < GITHUB_CANCEL_SECONDS / 5


def test_the_last_output_is_delivered_however_late_the_runner_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "DRAIN_SECONDS", 0.0)
    monitor = CommandMonitor((threading.Event(),), time.monotonic() + 3_600, 1 << 40, tmp_path, ProcessTable())
    lines: list[str] = []
    with subprocess.Popen(["echo", "last"], stdout=subprocess.PIPE) as process:
        process.wait()
        assert supervise(process, lines.append, monitor, subprocess.Popen.kill) is None
    assert lines == ["last"]
