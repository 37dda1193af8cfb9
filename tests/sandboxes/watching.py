"""Running scripts in a sandbox, and looking for processes that should be gone."""

from __future__ import annotations

import time

import psutil

from generator.sandboxes.sandbox import Command, Finished, Sandbox


def run_in(sandbox: Sandbox, script: str, timeout: float = 60, cwd: str = "", **env: str) -> tuple[Finished, list[str]]:
    """Run a script, in the root unless told otherwise: how it ended, and its lines."""
    lines: list[str] = []
    return sandbox.run(Command(script, cwd or sandbox.root, timeout, env), lines.append), lines


def alive(seconds: str) -> list[psutil.Process]:
    """Every `sleep` of this length: an unusual number finds a test's own processes."""
    found = psutil.process_iter(["cmdline", "status"])
    return [one for one in found if one.info["cmdline"] == ["sleep", seconds] and one.info["status"] != "zombie"]


def gone(seconds: str, within: float = 2) -> bool:
    """Whether no such `sleep` is left after at most `within` seconds."""
    deadline = time.monotonic() + within
    while alive(seconds) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(seconds)
