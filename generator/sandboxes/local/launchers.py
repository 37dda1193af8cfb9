"""The two ways to start a command on this machine: isolated by bubblewrap, or plain."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from generator.sandboxes.contract import Resources
from generator.sandboxes.local.bubblewrap import UNPRIVILEGED, View
from generator.sandboxes.local.isolation import HOST_ENV, etc_binds, is_root, steps, wrapped, write_etc
from generator.sandboxes.local.process_tree import MARK, end_marked
from generator.sandboxes.local.relay import socket_bind
from generator.toolchain.mounts import Bind

# The largest file a command may write, in KiB: larger than any crate's, small enough not to fill a disk in one go.
MAX_FILE_KIB: Final = 8 * 1024 * 1024

# On disk like /build: what is in memory would have to be counted as memory, and would be gone after each command.
TMP: Final = "/tmp"  # noqa: S108

# What a sandbox has been given by the time that anything of its crate runs, below its root: crates, of which one could
# alter another's before that is compiled, and programs, which make what comes out. What lies above them is a mount of
# its own as well, for a directory that is none could be moved away with all that is in it.
SEALED: Final = ("cargo/registry", "cargo/git", "tools")
_ABOVE: Final = ("cargo",)

READY: Final = "ready"
NO_DIRECTORY: Final = "no such directory"

# A limit that cannot be set is one that is lower already. The first line of output tells a command that started from
# a sandbox that failed. The kernel's out-of-memory killer is to choose a build rather than anything else.
_LAUNCHER: Final = f"""
{{ ulimit -c 0; ulimit -u "$1"; ulimit -d "$2"; ulimit -f {MAX_FILE_KIB}; echo 1000 > /proc/self/oom_score_adj
cd -- "$3" || {{ echo {NO_DIRECTORY}; exit 1; }}; }} 2> /dev/null
echo {READY}
exec /bin/bash --norc --noprofile -c "$4"
"""


def launcher(script: str, cwd: str, resources: Resources) -> list[str]:
    """Return the program that sets its own limits and then becomes the script.

    Twice the memory for one process's data, so that what grows steadily is seen by the watch first, and named for
    what it is; the kernel stops what grows in a leap.
    """
    limits = (str(resources.processes), str(2 * 1024 * resources.memory_mib))
    return ["/bin/bash", "--norc", "--noprofile", "-c", _LAUNCHER, "bash", *limits, cwd, script]


@dataclass(frozen=True)
class Launch:
    """A program, and how it is started: what is `sealed` is read-only to it; `before` goes before all other words.

    `way` is the directory of the proxy that leads to the network, None where nothing does.
    """

    program: Sequence[str]
    env: Mapping[str, str]
    access: Path | None
    stdin: int
    sealed: Sequence[str] = ()
    before: Sequence[str] = ()


@dataclass(frozen=True)
class IsolatedLauncher:
    """Every program in namespaces of its own; `directory` holds what is the sandbox's own on the host."""

    directory: Path
    view: View
    path: str
    processors: Sequence[int]
    root: str = "/build"

    def prepare(self) -> None:
        """Make its own directories: /build and /tmp, on disk and not in memory, and the files of its /etc."""
        write_etc(self.directory / "etc")
        for name in ("build", "build/home", "tmp", *(f"build/{each}" for each in (*_ABOVE, *SEALED))):
            (self.directory / name).mkdir()
            if is_root():
                os.chown(self.directory / name, UNPRIVILEGED, UNPRIVILEGED)

    def start(self, how: Launch) -> subprocess.Popen[bytes]:
        """Start a program; all that it starts dies with the calling thread."""
        own = (Bind(str(self.directory / "build"), self.root, True), Bind(str(self.directory / "tmp"), TMP, True))
        ways = () if how.access is None else (socket_bind(how.access),)
        binds = (*self.view.binds, *etc_binds(self.directory / "etc"), *own, *ways, *self._seals(how.sealed))
        view = replace(self.view, binds=binds, env=how.env)
        with wrapped(steps(view)) as (words, descriptors):
            return _start([*_pinned(self.processors), *words, *how.program], HOST_ENV, how, descriptors)

    def _seals(self, sealed: Sequence[str]) -> Iterator[Bind]:
        for name in (*_ABOVE, *sealed) if sealed else ():
            place = self.directory / "build" / name
            if place.is_symlink() or not place.is_dir():
                raise NotADirectoryError(f"{name} is no longer a directory")
            yield Bind(str(place), f"{self.root}/{name}", writable=name in _ABOVE)

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """Kill bubblewrap: the kernel then kills the process that is the first of its namespace, and with it all."""
        process.kill()


@dataclass(frozen=True)
class PlainLauncher:
    """Programs as they are, in a directory of their own, marked so that they can be found again."""

    directory: Path
    path: str
    processors: Sequence[int]

    @property
    def root(self) -> str:
        """The real directory."""
        return str(self.directory / "build")

    def prepare(self) -> None:
        """Make its own directories."""
        for name in ("build", "build/home", "tmp"):
            (self.directory / name).mkdir()

    def start(self, how: Launch) -> subprocess.Popen[bytes]:
        """Start a program; the network is open, and everything writable, in any case."""
        marked = {**how.env, "TMPDIR": str(self.directory / "tmp"), MARK: self.directory.name}
        return _start([*_pinned(self.processors), *how.program], marked, how, ())

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """Kill the process group and every process that carries the mark."""
        end_marked(process.pid if process.poll() is None else None, self.directory.name)


def _start(argv: list[str], env: Mapping[str, str], how: Launch, descriptors: Sequence[int]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*how.before, *argv], env=env, cwd="/", stdin=how.stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        bufsize=0, pass_fds=descriptors, start_new_session=True, umask=0o022,
    )  # fmt: skip


def _pinned(processors: Sequence[int]) -> list[str]:
    return ["taskset", "-c", ",".join(map(str, processors))] if sys.platform == "linux" else []
