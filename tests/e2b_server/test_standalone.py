"""The server as a process of its own, and that nothing outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from e2b import Sandbox

from tests.sandboxes.watching import gone
from tests.support import TOP


def test_no_process_outlives_a_server_that_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [sys.executable, "-m", "tests.e2b_server", "--directory", str(tmp_path)]
    with subprocess.Popen(words, cwd=TOP, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        for _ in range(3):
            name, _, value = server.stdout.readline().strip().partition("=")
            monkeypatch.setenv(name, value)
        nap = f"7{os.getpid()}.5"
        sandboxes = [Sandbox.create("base") for _ in range(3)]
        for sandbox in sandboxes:
            sandbox.commands.run(f"(setsid sleep {nap} > /dev/null 2>&1 &)")
        assert not gone(nap)
        server.send_signal(signal.SIGKILL)
        server.wait()
    for _ in range(50):
        if gone(nap):
            return
        time.sleep(0.1)
    pytest.fail("a sandbox outlives its server")
