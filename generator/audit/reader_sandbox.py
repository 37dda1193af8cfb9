"""The sandbox of the reader process: it holds Python and the reader's packages, and nothing else."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final

from generator.errors import Unavailable
from generator.processes import Completed, run
from generator.sandboxes.local.bubblewrap import IsolationSpec
from generator.sandboxes.local.isolation import (
    HOST_ENV,
    bubblewrap_arguments,
    bubblewrap_command,
    probe_isolation,
    system_spec,
)
from generator.toolchain.mounts import Bind, is_in_usr

# -P: a folder named generator/ in the user's working directory must not shadow this package.
_READER: Final = (sys.executable, "-P", "-B", "-m", "generator.audit.reader")
# Environment variables that Python may need to find itself and this package; all others are removed.
_PASSED_VARIABLES: Final = ("PATH", "HOME", "PYTHONPATH", "LD_LIBRARY_PATH", "SYSTEMROOT")
_READER_PACKAGES: Final = ("lief", "pydantic", "generator")
# Fails where Python does not start, or where a package or a library of lief is missing. To import lief takes half
# a second, so its modules are only loaded.
_PROBE: Final = """
import ctypes, importlib.util, pathlib
for name in ("pydantic", "generator", "lief"):
    top = pathlib.Path(importlib.util.find_spec(name).origin).parent
for library in top.glob("*.so"):
    ctypes.CDLL(str(library))
"""
_PROBE_SECONDS: Final = 60.0
_PROBE_BYTES: Final = 4096


def run_reader(path: Path, timeout: float, limit: int) -> Completed:
    """Run the reader process on a file, in a sandbox when this machine supports one."""
    if view := reader_view():
        with path.open("rb") as file:
            return _in_sandbox(view, _READER, file, timeout, limit)
    return run([*_READER, str(path)], timeout=timeout, env=_environment(), limit=limit)


@functools.cache
def reader_view() -> IsolationSpec | None:
    """Return the reader's view of the file system; None without bubblewrap, or when Python does not start in it."""
    if probe_isolation() is not None:
        return None
    view = replace(system_spec(), env=_environment())
    mounted = tuple(bind.target for bind in view.binds)
    view = replace(
        view, binds=(*view.binds, *(Bind(each, each) for each in _python_directories() if each not in mounted))
    )
    try:
        with Path(os.devnull).open("rb") as empty:
            probe = (sys.executable, "-P", "-B", "-c", _PROBE)
            return view if _in_sandbox(view, probe, empty, _PROBE_SECONDS, _PROBE_BYTES).exit_code == 0 else None
    except Unavailable:  # a slow start is no reason to read without a sandbox
        return view


def _in_sandbox(view: IsolationSpec, words: Sequence[str], file: BinaryIO, timeout: float, limit: int) -> Completed:
    with bubblewrap_command(bubblewrap_arguments(view)) as (bubblewrap, descriptors):
        argv = [*bubblewrap, *words]
        return run(argv, timeout=timeout, env=HOST_ENV, stdin=file, limit=limit, pass_fds=descriptors)


def _environment() -> Mapping[str, str]:
    return {name: os.environ[name] for name in _PASSED_VARIABLES if name in os.environ}


def _python_directories() -> Iterator[str]:
    """Yield the directories outside of /usr that hold Python and the packages that the reader imports."""
    executable = Path(sys.executable)
    directories = [Path(sys.prefix), Path(sys.base_prefix), executable.resolve().parent.parent]
    for name in _READER_PACKAGES:
        found = importlib.util.find_spec(name)
        if found and found.origin:
            package = Path(found.origin).parent
            directories.append(package if name == "generator" else package.parent)
    yield from (str(each) for each in dict.fromkeys(directories) if is_mounted(each, Path.home()))


def is_mounted(directory: Path, home: Path) -> bool:
    """Return whether the sandbox mounts a directory: not one in /usr, and not one that contains the user's home."""
    return not is_in_usr(directory) and not home.is_relative_to(directory)
