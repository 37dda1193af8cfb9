"""Tests see the suite's own environment, whatever the contributor's is."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.suite.environment import variables
from tests.suite.planted import run_planted

HOSTILE = {
    "NPM_CONFIG_USERCONFIG": "/nowhere/npmrc",
    "npm_config_registry": "http://127.0.0.1:9/",
    "NODE_OPTIONS": "--require=/nowhere.js",
    "RUSTFLAGS": "--cfg broken -C linker=false",
    "CARGO_TARGET_DIR": "/nowhere/target",
    "CARGO_HOME": "/nowhere/cargo",
    "GIT_DIR": "/nowhere/.git",
    "GIT_CONFIG_GLOBAL": "/nowhere/gitconfig",
    "LANG": "de_DE.ISO-8859-1",
    "LC_ALL": "tr_TR.UTF-8",
    "TZ": "Asia/Kathmandu",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "NO_COLOR": "",
    "COLUMNS": "17",
    "CRATEMATRIX_BACKEND": "e2b",
    "E2B_API_KEY": "e2b_0000",
    "GITHUB_TOKEN": "ghp_0000",
    "GITHUB_ACTIONS": "true",
    "GITHUB_STEP_SUMMARY": "/nowhere/summary",
    "PYTHONWARNINGS": "error",
    "BASH_ENV": "/nowhere/bashrc",
}
SHOW = """
import os, pathlib, signal, subprocess, tempfile

def test_shown(tmp_path):
    said = subprocess.run(["bash", "-c", "umask; env"], capture_output=True, text=True, check=True).stdout
    mask, *lines = said.splitlines()
    assert mask == "0022"
    names = {line.partition("=")[0] for line in lines}
    assert not names & set(HOSTILE) - {"LANG"}, names
    assert os.environ["LANG"] == "C.UTF-8"
    assert "/given/cratematrix-tests-" in os.environ["HOME"]
    assert list(pathlib.Path.home().glob(".npmrc")) == []
    assert tempfile.gettempdir() == os.environ["TMPDIR"]
    assert "/given/cratematrix-tests-" in tempfile.gettempdir()
    assert "/given/cratematrix-tests-" in str(tmp_path)

def test_tools():
    for tool in ("cargo", "node"):
        subprocess.run([tool, "--version"], check=True)

def test_signals():
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()
    waiting = subprocess.Popen(["sleep", "3073"])
    waiting.send_signal(signal.SIGINT)
    assert waiting.wait() == -signal.SIGINT
"""


def ignore_signals() -> None:
    os.umask(0o077)
    for each in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})


def test_a_hostile_environment_reaches_no_test(tmp_path: Path) -> None:
    for name in ("given", "empty"):
        (tmp_path / name).mkdir()
    source = f"HOSTILE = {HOSTILE!r}\n{SHOW}"
    for words in ([], ["--numprocesses", "1"]):
        ran = run_planted(
            tmp_path,
            source,
            *words,
            # rustup's cargo then finds no toolchain by itself.
            env={**HOSTILE, "TMPDIR": str(tmp_path / "given"), "HOME": str(tmp_path / "empty"), "RUSTUP_HOME": ""},
            before=ignore_signals,
        )
        assert (ran.code, "3 passed" in ran.out) == (0, True), ran.out


def test_only_what_says_where_programs_lie_is_kept() -> None:
    given = {**HOSTILE, "PATH": "/bin", "RUSTUP_HOME": "/rustup", "PYTEST_XDIST_WORKER": "gw0"}
    kept = {name: given[name] for name in ("PATH", "RUSTUP_HOME", "PYTEST_XDIST_WORKER")}
    own = variables(given, Path("/home"), Path("/temporary"), real_e2b=False)
    assert {name: own[name] for name in own if name in given and name != "LANG"} == kept
    assert variables(given, Path("/home"), Path("/temporary"), real_e2b=True)["E2B_API_KEY"] == "e2b_0000"
