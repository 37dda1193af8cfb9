"""Running scripts in a sandbox, and looking for processes that should be gone."""

from __future__ import annotations

from contextlib import suppress

import psutil

from generator.sandboxes.contract import Command, CommandResult, Sandbox
from tests.support import LIMIT, wait_until


def run_in(
    sandbox: Sandbox, script: str, timeout: float = LIMIT, cwd: str = "", **env: str
) -> tuple[CommandResult, list[str]]:
    """Run a script, in the root unless told otherwise: how it ended, and its lines."""
    lines: list[str] = []
    return sandbox.run(Command(script, cwd or sandbox.root, timeout, env), lines.append), lines


def alive(seconds: str) -> list[psutil.Process]:
    """Every `sleep` of this length: an unusual number finds a test's own processes."""
    found = psutil.process_iter(["cmdline", "status"])
    return [one for one in found if one.info["cmdline"] == ["sleep", seconds] and one.info["status"] != "zombie"]


def gone(seconds: str) -> bool:
    """Whether in the end no such `sleep` is left; a killed one may take a while to be gone."""
    with suppress(AssertionError):
        wait_until(lambda: not alive(seconds), f"the end of sleep {seconds}")
    return not alive(seconds)
