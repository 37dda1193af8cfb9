"""The process that reads one hostile file, within limits, and prints its images as JSON or why there are none."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import sys
from pathlib import Path
from typing import Final

CPU_SECONDS: Final = 30
MEMORY: Final = 3 * 1024 * 1024 * 1024


def limit_process() -> None:
    """Take away time, memory, other processes, and writing files; macOS does not know all of these."""
    for what, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))


def read_as_json(path: Path) -> str:
    """Read a file; what is wrong with it is an answer too."""
    import lief
    from pydantic import ValidationError

    from generator.audit.facts import ReaderResult
    from generator.audit.images import read_images
    from generator.audit.wasm import UnreadableBinary

    lief.logging.disable()
    try:
        found = ReaderResult(images=read_images(path))
    except UnreadableBinary as problem:
        found = ReaderResult(problem=str(problem))
    except (ValidationError, UnicodeError):
        found = ReaderResult(problem="it holds names that no compiler writes")
    return found.model_dump_json()


def copy_stdin() -> Path:
    """Return a name for standard input, which in a sandbox is a file that this process must not open itself."""
    descriptor = os.memfd_create("file")
    with os.fdopen(descriptor, "wb", closefd=False) as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
    return Path(f"/proc/self/fd/{descriptor}")


def main() -> None:
    """Answer for the one file that is named, or for standard input."""
    path = Path(sys.argv[1]) if sys.argv[1:] else copy_stdin()
    limit_process()
    sys.stdout.write(read_as_json(path))


if __name__ == "__main__":
    main()
