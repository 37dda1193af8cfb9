"""Runs the command without the parts of Unix that Python lacks on Windows: as_windows.py WORDS.

Modules are refused to our code and to libraries. Those that have others in their place on Windows keep them.
"""

from __future__ import annotations

import builtins
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any

MODULES = frozenset({"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty"})
OF_OS = (
    *("O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC", "O_PATH", "fwalk", "killpg", "getpgid", "memfd_create"),
    "sched_getaffinity",
)
# Libraries that take other modules on Windows.
KEEP = ("asyncio", "multiprocessing", "anyio", "filelock", "psutil")


def become_windows() -> None:
    own_import = builtins.__import__

    def refuse(name: str, globals: Mapping[str, Any] | None = None, *more: Any, **named: Any) -> Any:  # noqa: A002
        importer = str((globals or {}).get("__name__", ""))
        if name in MODULES and not importer.startswith(KEEP):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return own_import(name, globals, *more, **named)

    builtins.__import__ = refuse
    os.supports_dir_fd.clear()
    for name in OF_OS:
        if hasattr(os, name):
            delattr(os, name)
    del signal.SIGHUP


if __name__ == "__main__":
    become_windows()
    from generator.cli import main

    sys.argv = ["cratematrix", *sys.argv[1:]]
    main()
