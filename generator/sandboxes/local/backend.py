"""Sandboxes on this machine.

Isolated, every command runs under bubblewrap: it sees the system's programs read-only, the tools it builds with, its
own /build and /tmp, and nothing else of the host; its process tree ends with it. It never shares the host's network:
while dependencies are fetched, a proxy outside leads to what is allowed. `isolation=False` (macOS, or Linux
without user namespaces) keeps the files apart and ends what it finds of the process tree, and that is all: a crate can
then read and write whatever its user can, and the network stays open.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shlex
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from generator.files.private_directories import PrivateDirectory, claim
from generator.files.user_cache import cache_directory
from generator.manifest.values import FetchHosts
from generator.network.endpoints import Endpoint
from generator.network.registries import Registries, RegistryCache
from generator.network.rules import RefusedHost
from generator.sandboxes.contract import (
    SIZES,
    Command,
    CommandResult,
    FailureClass,
    OnLine,
    Resources,
    SandboxError,
    Usage,
)
from generator.sandboxes.local.control_groups import ControlGroup, find_control_groups
from generator.sandboxes.local.copy_out import copy_out
from generator.sandboxes.local.hidden_configuration import hidden_configuration
from generator.sandboxes.local.isolation import system_view
from generator.sandboxes.local.launchers import (
    NO_DIRECTORY,
    READY,
    SEALED,
    IsolatedLauncher,
    Launch,
    PlainLauncher,
    launcher,
)
from generator.sandboxes.local.network_access import NetworkAccess, ask_registries
from generator.sandboxes.local.network_environment import NetworkEnvironment, network_environment, npm_registry
from generator.sandboxes.local.process_tree import ProcessTable
from generator.sandboxes.local.supervision import Watch, follow
from generator.sandboxes.variables import variables
from generator.toolchain.host import HostToolchain

UNPACK_SECONDS: Final = 600
MAX_COMPLAINTS: Final = 5


class LocalBackend:
    """Opens sandboxes below `directory` (default: the user's cache); safe to use from many threads.

    All their commands end as soon as `stop` is set. `environ` says which registries, proxies and certificates the
    user has, and nothing else of it reaches a sandbox.
    """

    name: Literal["local"] = "local"

    def __init__(
        self,
        toolchain: HostToolchain,
        stop: threading.Event,
        isolation: bool = True,
        directory: Path | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._toolchain, self._stop, self._isolation, self._environ = toolchain, stop, isolation, environ
        self._directory = ((directory or cache_directory(environ)) / "sandboxes").absolute()
        self._table = ProcessTable()
        self._lock = threading.Lock()
        self._turns = itertools.count()
        self._outside: NetworkEnvironment | None = None
        self._hidden = hidden_configuration(environ, toolchain.node)
        self._known = RegistryCache()

    def open(self, crate: str, resources: Resources, env: Mapping[str, str], attempt: int = 1) -> LocalSandbox:
        """Make a sandbox; InputError when there is no place for any, SandboxError when this one failed."""
        beyond = self._beyond()
        place = claim(self._directory, crate)
        shell = self._shell(place.path, self._processors(resources.cpus), beyond)
        try:
            shell.prepare()
        except OSError as error:
            place.remove()
            raise SandboxError(f"a sandbox cannot be prepared: {error.strerror}") from None
        given = {**beyond.registries, **self._toolchain.variables(self._isolation), **env}
        access = NetworkAccess(place.path, beyond, self._isolation, self._registries)
        return LocalSandbox(place, shell, resources, given, access, self._stop, self._table)

    def _registries(self) -> Registries:
        """Ask the tools once for all sandboxes, in one that nothing else has been in."""
        return self._known.get(
            lambda: ask_registries(self.open("registries", SIZES["small"], {}), self._beyond().endpoints)
        )

    def _beyond(self) -> NetworkEnvironment:
        with self._lock:
            if self._outside is None:
                npm = {"npm_config_cafile": self._hidden.npm_certificates or ""}
                self._outside = network_environment(
                    {**npm, **self._environ}, npm_registry(self._environ), self._isolation
                )
            return self._outside

    def _shell(
        self, directory: Path, processors: Sequence[int], beyond: NetworkEnvironment
    ) -> IsolatedLauncher | PlainLauncher:
        if not self._isolation:
            tools = (self._toolchain.rust / "bin", self._toolchain.node / "bin")
            path = ":".join((*map(str, tools), self._environ.get("PATH", os.defpath)))
            return PlainLauncher(directory, path, processors)
        system = system_view()
        binds = (*system.binds, *self._toolchain.binds, *beyond.certificates)
        links, hidden = (*system.links, *self._toolchain.links), self._hidden
        view = replace(system, binds=binds, links=links, empty=hidden.empty, masked=hidden.masked)
        return IsolatedLauncher(directory, view, self._toolchain.path, processors)

    def _processors(self, cpus: int) -> list[int]:
        """Choose processors in turn, so that sandboxes which need few of them do not share the same few."""
        usable = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else list(range(os.cpu_count() or 1))
        count = min(cpus, len(usable))
        with self._lock:
            first = next(self._turns) * count
        return sorted(usable[(first + number) % len(usable)] for number in range(count))


class LocalSandbox:
    """One sandbox of this machine; runs one command at a time.

    A command lives no longer than the thread that runs it: the kernel ties the two together, which is what ends a
    sandbox whose runner is killed. `isolated` says whether `close_network` closes anything.
    """

    def __init__(
        self,
        place: PrivateDirectory,
        shell: IsolatedLauncher | PlainLauncher,
        resources: Resources,
        env: Mapping[str, str],
        access: NetworkAccess,
        stop: threading.Event,
        table: ProcessTable,
    ) -> None:
        self._place, self._shell, self._resources, self._env, self._access = place, shell, resources, env, access
        self._stop, self._table = stop, table
        self._killed, self._removed = threading.Event(), False
        self._network, self._busy = True, threading.Lock()
        self._opened, self._peak_memory, self._seconds = time.monotonic(), 0, 0.0

    @property
    def root(self) -> str:
        """/build, or the real directory where nothing is isolated."""
        return self._shell.root

    @property
    def isolated(self) -> bool:
        """Whether commands are kept from the host and, after `close_network`, from the network."""
        return isinstance(self._shell, IsolatedLauncher)

    def put(self, archive: Path, directory: str) -> None:
        """Unpack a plain tar inside the sandbox, where a hostile one can do no more harm than a hostile build."""
        self._below_root(directory)
        target, last = shlex.quote(directory), deque[str](maxlen=1)
        script = f"mkdir -p -- {target} && tar -x --no-same-owner -f - -C {target}"
        with archive.open("rb") as tar:
            command = Command(script, self.root, UNPACK_SECONDS)
            done = self._run(command, last.append, network=False, stdin=tar.fileno(), into=directory)
        if done.killed or done.exit_code != 0:
            failure: FailureClass = "too_small" if done.killed in ("disk", "memory") else "permanent"
            raise SandboxError(f"{archive.name} cannot be unpacked: {done.killed or ''.join(last)}", failure)

    def run(self, command: Command, on_line: OnLine) -> CommandResult:
        """Run a command to its end; SandboxError when it could not be started."""
        return self._run(command, on_line, network=self._network, stdin=subprocess.DEVNULL)

    def registries(self) -> Registries:
        """Say where the tools get packages from."""
        return self._access.registries()

    def allow_only(self, setting: FetchHosts, named: frozenset[Endpoint] = frozenset()) -> tuple[str, ...] | None:
        """Reach only what the setting allows; without isolation that is everything."""
        return self._access.allow(setting, named)

    def trust(self) -> None:
        """Reach anything, also private addresses: for a sandbox that nothing of a source has come into."""
        self._access.trust()

    def requested_hosts(self) -> frozenset[Endpoint]:
        """Hosts that were asked for."""
        return self._access.asked()

    def refused_hosts(self) -> tuple[RefusedHost, ...]:
        """Hosts that were asked for and not reached."""
        return self._access.refused()

    def close_network(self) -> None:
        """Keep all later commands from the network, and from altering what is `SEALED`, if they are isolated."""
        self._network = False
        self._access.close()

    def get(self, path: str, destination: Path, max_bytes: int) -> None:
        """Copy one regular file out, following no link."""
        copy_out(self._place.path / "build", self._below_root(path), destination, max_bytes)

    def kill(self, keep: bool = False) -> Usage:
        """End the command that runs, if any, and remove the sandbox's files; safe to call twice; it is never kept."""
        self._killed.set()
        with self._busy:
            if not self._removed:
                self._removed = True
                self._access.close()
                # A run that is being stopped must not wait for gigabytes to be deleted.
                self._place.remove(wait=not self._stop.is_set())
                self._seconds = round(time.monotonic() - self._opened, 3)
            peak = self._peak_memory or None
            return Usage(self._place.path.name, self._resources, self._seconds, peak_memory=peak)

    def _run(self, command: Command, on_line: OnLine, *, network: bool, stdin: int, into: str = "") -> CommandResult:
        with self._busy:
            if self._removed:
                raise SandboxError("the sandbox has been killed")
            started = time.monotonic()
            announced = _Announced(on_line)
            with self._group() as group:
                watch = self._watch(started + command.timeout, group)
                how = self._how(command, network, stdin, into, group)
                with self._start(how) as process:
                    killed = follow(process, announced, watch, self._shell.end)
                if killed is None and group and group.ran_out_of_memory:
                    killed = "memory"
                    watch.peak_memory = max(watch.peak_memory, watch.memory_bytes)
        self._peak_memory = max(self._peak_memory, watch.peak_memory)
        if killed is None:
            announced.check(command)
        code = process.returncode if process.returncode >= 0 else 128 - process.returncode
        return CommandResult(code, time.monotonic() - started, killed, watch.peak_memory)

    @contextlib.contextmanager
    def _group(self) -> Iterator[ControlGroup | None]:
        """Give a command a control group, where this runner may have any."""
        if (groups := find_control_groups()) is None:
            yield None
            return
        with groups.one(self._resources, len(self._shell.processors)) as group:
            yield group

    def _how(self, command: Command, network: bool, stdin: int, into: str, group: ControlGroup | None) -> Launch:
        given = {**self._env, **command.env, **(self._access.variables if network else {})}
        env = variables(self.root, self._shell.path, len(self._shell.processors), given)
        script = self._access.script(command.script) if network else command.script
        program = launcher(script, command.cwd, self._resources)
        # Nothing of the crate runs before the network is closed; what is unpacked later has its own place.
        sealed = () if self._network else tuple(each for each in SEALED if into != f"{self.root}/{each}")
        access = self._access.directory() if network else None
        return Launch(program, env, access, stdin, sealed, group.enter if group else ())

    def _start(self, how: Launch) -> subprocess.Popen[bytes]:
        try:
            return self._shell.start(how)
        except (OSError, ValueError) as error:
            raise SandboxError(f"a command cannot be started: {error}") from None

    def _watch(self, deadline: float, group: ControlGroup | None) -> Watch:
        memory = self._resources.memory_mib * 1024 * 1024
        return Watch((self._stop, self._killed), deadline, memory, self._place.path, self._table, group=group)

    def _below_root(self, path: str) -> PurePosixPath:
        try:
            relative = PurePosixPath(path).relative_to(self.root)
        except ValueError:
            raise SandboxError(f"{path} is not below {self.root}", "permanent") from None
        if ".." in relative.parts:
            raise SandboxError(f"{path} is not below {self.root}", "permanent")
        return relative


class _Announced:
    """Holds output back until the launcher has said that the command starts; what comes before is the sandbox's."""

    def __init__(self, on_line: OnLine) -> None:
        self._on_line = on_line
        self._ready = False
        self._complaints: list[str] = []

    def __call__(self, line: str) -> None:
        if self._ready:
            self._on_line(line)
        elif line == READY:
            self._ready = True
        else:
            self._complaints = [*self._complaints, line][-MAX_COMPLAINTS:]

    def check(self, command: Command) -> None:
        """SandboxError when the command never started."""
        if self._ready:
            return
        if self._complaints == [NO_DIRECTORY]:
            raise SandboxError(f"{command.cwd} is not a directory of the sandbox", "permanent")
        raise SandboxError("a command cannot be started: " + (" ".join(self._complaints) or "nothing was said"))
