"""The server as a process of its own, and that nothing outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from e2b import Sandbox

from tests.sandboxes.commands import alive, gone
from tests.support import TOP, wait_until


def test_no_process_outlives_a_server_that_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [sys.executable, "-m", "tests.e2b_server", "--directory", str(tmp_path)]
    with subprocess.Popen(words, cwd=TOP, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        for _ in range(3):
            name, _, value = server.stdout.readline().strip().partition("=")
            monkeypatch.setenv(name, value)
        nap = f"7{os.getpid()}.5"
        sandboxes = [Sandbox.create("base", timeout=86_400) for _ in range(3)]
        for sandbox in sandboxes:
            sandbox.commands.run(f"(setsid sleep {nap} > /dev/null 2>&1 &)")
        wait_until(lambda: len(alive(nap)) == 3, "a process in each sandbox")
        server.send_signal(signal.SIGKILL)
        server.wait()
    assert gone(nap)
