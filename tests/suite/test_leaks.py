"""The check at the end of a run finds what was left behind, names the test, and fails the run for it."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from tests.suite.planted import run_planted

LEAKS = """
import pathlib, socket, subprocess, tempfile, threading

KEPT = []

def test_clean():
    with tempfile.TemporaryDirectory():
        subprocess.run(["true"], check=True)

def test_process():
    KEPT.append(subprocess.Popen(["sleep", "3071"]))

def test_daemon():
    subprocess.run(["bash", "-c", "env -i setsid sleep 3072 > /dev/null 2>&1 &"], check=True)

def test_thread():
    threading.Thread(target=threading.Event().wait, name="forgotten", daemon=True).start()

def test_port():
    KEPT.append(socket.create_server(("127.0.0.1", 0)))

def test_directory():
    tempfile.mkdtemp(prefix="forgotten-")

def test_home():
    (pathlib.Path.home() / "settings").write_text("x")
"""

EXPECTED = {
    "test_process": "process", "test_daemon": "process", "test_thread": "thread", "test_port": "port",
    "test_directory": "file", "test_home": "file",
}  # fmt: skip


@pytest.mark.parametrize("words", [[], ["--numprocesses", "2"]])
def test_what_is_left_behind_fails_the_run_by_the_tests_name(tmp_path: Path, words: list[str]) -> None:
    ran = run_planted(tmp_path, LEAKS, *words)
    assert "7 passed" in ran.out
    assert ran.code == 1
    told = [line for line in ran.out.splitlines() if line.startswith("FAILED ")]
    assert len(told) == len(EXPECTED), told
    for test, what in EXPECTED.items():
        # A place that workers share may have been looked at by another worker first: then both tests are named.
        assert [line for line in told if f"::{test}" in line and line.startswith(f"FAILED {what} ")], (test, told)
    sleeping = [one.info["cmdline"] for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"]]
    assert not [words for words in sleeping if words[-1] in ("3071", "3072")]


def test_a_run_that_leaves_nothing_passes(tmp_path: Path) -> None:
    ran = run_planted(tmp_path, "def test_nothing(tmp_path):\n    (tmp_path / 'x').write_text('x')\n")
    assert (ran.code, "left behind" in ran.out) == (0, False)


def test_a_test_that_hangs_is_ended_with_its_stacks_and_the_others_go_on(tmp_path: Path) -> None:
    source = (
        "import subprocess, time\ndef test_hangs():\n    time.sleep(3600)\ndef test_other():\n    pass\n"
        "def test_waits():\n    with subprocess.Popen(['sleep', '3074']):\n        time.sleep(3600)\n"
    )
    ran = run_planted(tmp_path, source, ini="timeout = 1\ntimeout_method = signal\n")
    assert ran.code == 1
    assert "2 failed, 1 passed" in ran.out
    assert "time.sleep(3600)" in ran.out
    assert "Timeout" in ran.out
