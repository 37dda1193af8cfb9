"""Reading what came out of a sandbox: in a sandbox of its own, whose process may crash, hang or lie."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import ValidationError

from generator.audit.facts import Facts, ReaderResult
from generator.audit.reader_sandbox import run_reader
from generator.errors import InputError, Unavailable

# The parser holds the whole file in memory. npm packages of this size do not exist.
MAX_BYTES: Final = 512 * 1024 * 1024
# On an idle machine a file of 100 MiB takes 2 s.
DEADLINE: Final = 60.0
MAX_ANSWER: Final = 4 * 1024 * 1024


def read_facts(path: Path, name: str) -> Facts:
    """Read a file that is called `name` in its package. Whatever it does to its reader is a fact, never an error."""
    status = path.stat()
    answer = (
        _ask(path)
        if status.st_size <= MAX_BYTES
        else ReaderResult(problem=f"it has more than {MAX_BYTES // 2**20} MiB")
    )
    return Facts(
        file=name,
        executable=bool(status.st_mode & 0o100),
        images=answer.images,
        problem=answer.problem,
    )


def _ask(path: Path) -> ReaderResult:
    try:
        done = run_reader(path, DEADLINE, MAX_ANSWER)
    except (Unavailable, InputError):
        return ReaderResult(
            problem=f"reading it did not end within {DEADLINE:.0f} s and {MAX_ANSWER // 2**20} MiB of answer"
        )
    if done.exit_code != 0:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        return ReaderResult(problem=f"reading it ended with exit code {done.exit_code}: {last[:200]}")
    try:
        return ReaderResult.model_validate_json(done.stdout)
    except ValidationError:
        return ReaderResult(problem="reading it gave no answer that can be used")
