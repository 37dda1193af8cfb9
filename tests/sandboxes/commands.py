"""Helpers that run scripts in a sandbox and find processes that should have ended."""

from __future__ import annotations

from contextlib import suppress

import psutil

from generator.sandboxes.contract import Command, CommandResult, Sandbox
from tests.support import LIMIT, wait_until


def run_in(
    sandbox: Sandbox, script: str, timeout: float = LIMIT, cwd: str = "", **env: str
) -> tuple[CommandResult, list[str]]:
    """Run a script, by default in the root, and return its result and its lines."""
    lines: list[str] = []
    return sandbox.run(Command(script, cwd or sandbox.root, timeout, env), lines.append), lines


def alive(seconds: str) -> list[psutil.Process]:
    """Return all `sleep` processes of this length; an unusual number finds only a test's own."""
    found = psutil.process_iter(["cmdline", "status"])
    return [one for one in found if one.info["cmdline"] == ["sleep", seconds] and one.info["status"] != "zombie"]


def gone(seconds: str) -> bool:
    """Whether every `sleep` of this length ends soon; killed processes take a moment."""
    with suppress(AssertionError):
        wait_until(lambda: not alive(seconds), f"the end of sleep {seconds}")
    return not alive(seconds)
