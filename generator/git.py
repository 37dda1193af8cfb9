"""Calls of git on the host: in English, without prompts, and without programs from a repository's configuration."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from generator.errors import InputError
from generator.processes import MAX_OUTPUT, Completed, run
from generator.text import message_text

# The user's git configuration stays in force (proxies, credentials). Settings of a repository do not: no hooks, no
# prompts, and no transports but https and the user's own URL rewrites.
GIT_COMMAND: Final = [
    "git",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "protocol.ext.allow=never",
    "-c",
    "core.fsmonitor=false",
]


def git_output(
    arguments: Sequence[str],
    *,
    timeout: float,
    cwd: Path | None = None,
    stop: threading.Event | None = None,
    limit: int = MAX_OUTPUT,
) -> bytes:
    """Run git and return its output; raise InputError with git's message and advice when it fails."""
    done = run_git([*arguments], timeout=timeout, cwd=cwd, stop=stop, limit=limit)
    if done.exit_code == 0:
        return done.stdout
    if owned := re.search(r"dubious ownership in repository at '(.*)'", done.stderr):
        advice = re.search(r"git config --global --add safe\.directory .+", done.stderr)
        raise InputError(
            f"git does not read {message_text(owned[1])}: it belongs to another user",
            fix=message_text(advice[0]) if advice else None,
        )
    raise InputError(f"git failed: {message_text(done.last_line)}")


def not_checked_out(top: Path) -> frozenset[str]:
    """Return the tracked files that a sparse checkout leaves out, as paths from the repository's top.

    Empty if git cannot say.
    """
    try:
        listed = git_output(["ls-files", "-z", "-t"], timeout=60, cwd=top).split(b"\0")
    except InputError:
        return frozenset()
    return frozenset(os.fsdecode(line.removeprefix(b"S ")) for line in listed if line.startswith(b"S "))


def run_git(
    arguments: Sequence[str],
    *,
    timeout: float,
    cwd: Path | None = None,
    stop: threading.Event | None = None,
    limit: int = MAX_OUTPUT,
    largest_file: int | None = None,
) -> Completed:
    """Run git in English and without prompts."""
    return run(
        [*GIT_COMMAND, *arguments],
        largest_file=largest_file,
        timeout=timeout,
        cwd=cwd,
        env=git_environment(arguments),
        stop=stop,
        limit=limit,
    )


def git_environment(arguments: Sequence[str]) -> dict[str, str]:
    """Return the environment variables for git, in which only a fetch may use the network.

    A repository's configuration can make any command fetch the missing objects of a partial clone, with a program that
    it names.
    """
    environment = {**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}
    return environment if "fetch" in arguments else environment | {"GIT_ALLOW_PROTOCOL": ""}
