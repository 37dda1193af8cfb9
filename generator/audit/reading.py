"""Reading a binary's facts in the reader process, which may crash, hang or print nonsense."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from generator.audit.facts import CPU_SECONDS, Facts, ReaderResult
from generator.audit.reader_sandbox import run_reader
from generator.errors import InputError, Unavailable

# The parser holds the whole file in memory. No npm package is this large.
MAX_BYTES: Final = 512 * 1024 * 1024
# The limit for a reader that hangs. One that computes too long reaches its limit of processor time, which does not
# change on a busy machine.
TIMEOUT: Final = 600.0
MAX_OUTPUT: Final = 4 * 1024 * 1024
# SIGXCPU: -24 from the reader itself, and 128 + 24 through a sandbox.
_OUT_OF_TIME: Final = (-24, 128 + 24)


def read_facts(path: Path, name: str) -> Facts:
    """Read a file that is named `name` in its package. A failure of the reader is a fact, never an error."""
    large = path.stat().st_size > MAX_BYTES
    result = ReaderResult(problem=f"it has more than {MAX_BYTES // 2**20} MiB") if large else _read(path)
    return facts_of(path, name, result)


def facts_of(path: Path, name: str, result: ReaderResult) -> Facts:
    """Return the facts of a file: those of the reader, and its mode."""
    status = path.stat()
    return Facts(
        file=name,
        executable=os.name != "posix" or bool(status.st_mode & 0o100),  # Windows keeps no such bit
        images=result.images,
        problem=result.problem,
    )


def _read(path: Path) -> ReaderResult:
    try:
        done = run_reader(path, TIMEOUT, MAX_OUTPUT)
    except Unavailable:
        return ReaderResult(problem=f"reading it took more than {TIMEOUT:.0f} s")
    except InputError:
        return ReaderResult(problem=f"reading it printed more than {MAX_OUTPUT // 2**20} MiB")
    if done.exit_code in _OUT_OF_TIME:
        return ReaderResult(problem=f"reading it took more than {CPU_SECONDS} s of processor time")
    if done.exit_code != 0:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return ReaderResult(problem=f"reading it failed with exit code {done.exit_code}: {last[:200]}")
    try:
        return ReaderResult.model_validate_json(done.stdout)
    except ValidationError:
        return ReaderResult(problem="reading it gave no valid output")
