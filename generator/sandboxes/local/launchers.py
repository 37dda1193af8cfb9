"""Start of commands on this machine: isolated by bubblewrap, or as plain processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from generator.sandboxes.contract import Resources
from generator.sandboxes.layout import BATCH, CARGO_HOME, HOME, ROOT, TOOLS
from generator.sandboxes.local.bubblewrap import UNPRIVILEGED_UID, IsolationSpec
from generator.sandboxes.local.isolation import (
    HOST_ENV,
    bubblewrap_arguments,
    bubblewrap_command,
    etc_binds,
    is_root,
    write_etc,
)
from generator.sandboxes.local.process_tree import MARK_VARIABLE, kill_marked
from generator.sandboxes.local.relay import socket_bind
from generator.toolchain.mounts import Bind

# The largest file of a command in KiB: larger than any crate's, too small to fill a disk at once.
MAX_FILE_KIB: Final = 8 * 1024 * 1024

# On disk like /build: files in memory would count as memory, and would be lost after each command.
TMP: Final = "/tmp"  # noqa: S108

# Directories below the root that are read-only once code of the crate runs: sources of dependencies, which one crate
# could alter before another compiles them, programs that make the package, and other crates of a batch. A parent that
# is not the root becomes a mount of its own, because a plain directory could be renamed together with its contents.
READ_ONLY_DIRECTORIES: Final = (f"{CARGO_HOME}/registry", f"{CARGO_HOME}/git", TOOLS, BATCH)
_PARENT_DIRECTORIES: Final = (CARGO_HOME,)

READY_LINE: Final = "ready"
NO_DIRECTORY_LINE: Final = "no such directory"

# A limit that cannot be set is lower already. The first line of output tells a started command from a failed sandbox.
# The score makes the kernel's out-of-memory killer prefer builds to other processes.
_LAUNCHER: Final = f"""
{{ ulimit -c 0; ulimit -u "$1"; ulimit -d "$2"; ulimit -f {MAX_FILE_KIB}; echo 1000 > /proc/self/oom_score_adj
cd -- "$3" || {{ echo {NO_DIRECTORY_LINE}; exit 1; }}; }} 2> /dev/null
echo {READY_LINE}
exec /bin/bash --norc --noprofile -c "$4"
"""


def launch_command(script: str, cwd: str, resources: Resources) -> list[str]:
    """Return the command line that sets resource limits and then runs the script.

    The kernel's limit is twice the memory, so that the monitor sees steady growth first and reports its cause. The
    kernel stops a sudden large allocation.
    """
    limits = (str(resources.processes), str(2 * 1024 * resources.memory_mib))
    return ["/bin/bash", "--norc", "--noprofile", "-c", _LAUNCHER, "bash", *limits, cwd, script]


@dataclass(frozen=True)
class Launch:
    """Program to start, with its environment variables, its stdin and its read-only directories.

    `proxy_directory` holds the socket of the network proxy, or is None without a network. `prefix` is a command line
    that starts the program.
    """

    program: Sequence[str]
    env: Mapping[str, str]
    proxy_directory: Path | None
    stdin: int
    read_only: Sequence[str] = ()
    prefix: Sequence[str] = ()


@dataclass(frozen=True)
class IsolatedLauncher:
    """Launcher of programs in namespaces of their own; `directory` is the sandbox's private directory on the host."""

    directory: Path
    spec: IsolationSpec
    path: str
    cpus: Sequence[int]
    root: str = ROOT

    def prepare(self) -> None:
        """Create /build and /tmp on the disk of the host, and the files of /etc."""
        write_etc(self.directory / "etc")
        own = (HOME, *_PARENT_DIRECTORIES, *READ_ONLY_DIRECTORIES)
        for name in ("build", "tmp", *(f"build/{each}" for each in own)):
            (self.directory / name).mkdir()
            if is_root():
                os.chown(self.directory / name, UNPRIVILEGED_UID, UNPRIVILEGED_UID)

    def start(self, launch: Launch) -> subprocess.Popen[bytes]:
        """Start a program; all its processes die with the calling thread."""
        own = (Bind(str(self.directory / "build"), self.root, True), Bind(str(self.directory / "tmp"), TMP, True))
        proxy = () if launch.proxy_directory is None else (socket_bind(launch.proxy_directory),)
        read_only = self._read_only_binds(launch.read_only)
        binds = (*self.spec.binds, *etc_binds(self.directory / "etc"), *own, *proxy, *read_only)
        spec = replace(self.spec, binds=binds, env=launch.env)
        with bubblewrap_command(bubblewrap_arguments(spec)) as (bubblewrap, descriptors):
            return _start([*_taskset(self.cpus), *bubblewrap, *launch.program], HOST_ENV, launch, descriptors)

    def _read_only_binds(self, read_only: Sequence[str]) -> Iterator[Bind]:
        for name in (*_PARENT_DIRECTORIES, *read_only) if read_only else ():
            directory = self.directory / "build" / name
            if directory.is_symlink() or not directory.is_dir():
                raise NotADirectoryError(f"{name} is no longer a directory")
            yield Bind(str(directory), f"{self.root}/{name}", writable=name in _PARENT_DIRECTORIES)

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill bubblewrap; the kernel then kills the first process of the namespace, and with it all others."""
        process.kill()


@dataclass(frozen=True)
class PlainLauncher:
    """Launcher of plain processes in a directory of their own, marked by an environment variable."""

    directory: Path
    path: str
    cpus: Sequence[int]

    @property
    def root(self) -> str:
        """The real directory."""
        return str(self.directory / "build")

    def prepare(self) -> None:
        """Create the directories of the sandbox."""
        for name in ("build", f"build/{HOME}", "tmp"):
            (self.directory / name).mkdir()

    def start(self, launch: Launch) -> subprocess.Popen[bytes]:
        """Start a program; the network is always open, and everything is writable."""
        env = {**launch.env, "TMPDIR": str(self.directory / "tmp"), MARK_VARIABLE: self.directory.name}
        return _start([*_taskset(self.cpus), *launch.program], env, launch, ())

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill the process group and every process with the mark."""
        kill_marked(process.pid if process.poll() is None else None, self.directory.name)


def _start(
    argv: list[str], env: Mapping[str, str], launch: Launch, descriptors: Sequence[int]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*launch.prefix, *argv], env=env, cwd="/", stdin=launch.stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        bufsize=0, pass_fds=descriptors, start_new_session=True, umask=0o022,
    )  # fmt: skip


def _taskset(cpus: Sequence[int]) -> list[str]:
    return ["taskset", "-c", ",".join(map(str, cpus))] if sys.platform == "linux" else []
