"""The reader process: reads one hostile file within resource limits and prints the result as JSON."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import Final

import lief
from pydantic import ValidationError

from generator.audit.facts import CPU_SECONDS, ReaderResult
from generator.audit.images import read_images
from generator.audit.wasm import UnreadableBinary

MEMORY: Final = 3 * 1024 * 1024 * 1024


def limit_process() -> None:
    """Limit CPU time, memory, processes and written files; macOS has not all of these limits, Windows none."""
    try:
        import resource  # noqa: PLC0415
    except ImportError:
        return
    with contextlib.suppress(ValueError, OSError):
        # At the second limit the kernel sends SIGKILL, which has many causes. At the first it sends SIGXCPU.
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
    for kind, limit in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (limit, limit))


def read_here(path: Path) -> ReaderResult:
    """Return a file's images, or the reason why there are none."""
    lief.logging.disable()
    try:
        return ReaderResult(images=read_images(path))
    except UnreadableBinary as problem:
        return ReaderResult(problem=str(problem))
    except (ValidationError, UnicodeError):
        return ReaderResult(problem="it holds names that no compiler writes")


def copy_stdin() -> Path:
    """Copy standard input to memory and return a path of the copy: the sandbox does not hold the input's own path."""
    descriptor = os.memfd_create("file")
    with os.fdopen(descriptor, "wb", closefd=False) as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
    return Path(f"/proc/self/fd/{descriptor}")


def main() -> None:
    """Read the file of the first argument, or standard input."""
    path = Path(sys.argv[1]) if sys.argv[1:] else copy_stdin()
    limit_process()
    sys.stdout.write(read_here(path).model_dump_json())


if __name__ == "__main__":
    main()
