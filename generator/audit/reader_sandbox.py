"""Where hostile files are read: in a sandbox that holds Python and what the reader is made of, and nothing else."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final

from generator.errors import Unavailable
from generator.processes import Completed, run
from generator.sandboxes.local.bubblewrap import View
from generator.sandboxes.local.isolation import HOST_ENV, probe_isolation, steps, system_view, wrapped
from generator.toolchain.mounts import Bind, is_in_usr

# -P: a folder called generator/ in the user's working directory must not be taken for this package.
_READER: Final = (sys.executable, "-P", "-B", "-m", "generator.audit.reader")
# What Python itself may need to find itself and this package; nothing else of the environment is given.
_PASSED: Final = ("PATH", "HOME", "PYTHONPATH", "LD_LIBRARY_PATH")
_READ_WITH: Final = ("lief", "pydantic", "generator")
_PROBE_SECONDS: Final = 60.0
_PROBE_BYTES: Final = 4096


def read(path: Path, timeout: float, limit: int) -> Completed:
    """Have the reader's process read a file; in a sandbox where this machine can make one."""
    if view := reading_view():
        with path.open("rb") as file:
            return _in_sandbox(view, file, timeout, limit)
    return run([*_READER, str(path)], timeout=timeout, env=_environment(), limit=limit)


@functools.cache
def reading_view() -> View | None:
    """Return what the reader sees; None where there is no bubblewrap, or where Python does not start in its sandbox."""
    if probe_isolation() is not None:
        return None
    view = replace(system_view(), env=_environment())
    taken = tuple(bind.target for bind in view.binds)
    view = replace(view, binds=(*view.binds, *(Bind(each, each) for each in _own() if each not in taken)))
    try:
        with Path(os.devnull).open("rb") as nothing:
            return view if _in_sandbox(view, nothing, _PROBE_SECONDS, _PROBE_BYTES).exit_code == 0 else None
    except Unavailable:  # slow is no reason to read with less around it
        return view


def _in_sandbox(view: View, file: BinaryIO, timeout: float, limit: int) -> Completed:
    with wrapped(steps(view)) as (words, descriptors):
        argv = [*words, *_READER]
        return run(argv, timeout=timeout, env=HOST_ENV, stdin=file, limit=limit, pass_fds=descriptors)


def _environment() -> Mapping[str, str]:
    return {name: os.environ[name] for name in _PASSED if name in os.environ}


def _own() -> Iterator[str]:
    """Where Python, and the packages that the reader imports, lie outside of /usr."""
    executable = Path(sys.executable)
    places = [Path(sys.prefix), Path(sys.base_prefix), executable.resolve().parent.parent]
    for name in _READ_WITH:
        found = importlib.util.find_spec(name)
        if found and found.origin:
            places.append(Path(found.origin).parent if name == "generator" else Path(found.origin).parent.parent)
    yield from (str(place) for place in dict.fromkeys(places) if is_shown(place, Path.home()))


def is_shown(place: Path, home: Path) -> bool:
    """Whether the reader sees a place: not what it sees anyway, and not the root or what the user's home lies in."""
    return not is_in_usr(place) and not home.is_relative_to(place)
