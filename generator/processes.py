"""Running the user's own tools (git, cargo, node, npm) on the host: never a crate's code, never without a limit."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from generator.errors import CratematrixError, InputError, Unavailable


@dataclass(frozen=True)
class Completed:
    """What a tool said; both streams whole."""

    exit_code: int
    stdout: bytes
    stderr: str


def run(
    argv: list[str],
    *,
    timeout: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
) -> Completed:
    """Run a program for at most `timeout` seconds; InputError when it is not there, Unavailable when it hangs."""
    try:
        done = subprocess.run(  # noqa: TID251  the one door
            argv, cwd=cwd, env=env, input=stdin, capture_output=True, timeout=timeout, check=False
        )
    except FileNotFoundError:
        raise InputError(f"{argv[0]} is not installed, or not on PATH", fix=f"install {argv[0]}") from None
    except PermissionError as error:
        raise InputError(f"{argv[0]} cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{argv[0]} {argv[1] if argv[1:] else ''} gave no answer in {timeout:.0f} s") from None
    return Completed(done.returncode, done.stdout, done.stderr.decode(errors="replace"))


def output(argv: list[str], *, timeout: float, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> bytes:
    """Return what a program prints; CratematrixError with its last words when it fails."""
    done = run(argv, timeout=timeout, cwd=cwd, env=env)
    if done.exit_code != 0:
        last = (done.stderr.strip().splitlines() or [f"exit {done.exit_code}"])[-1]
        raise CratematrixError(f"{argv[0]} failed: {last[:300]}")
    return done.stdout
