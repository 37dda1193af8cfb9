"""Sandbox on this machine: commands, files, network access and usage."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from generator.files.private_directories import PrivateDirectory
from generator.manifest.values import FetchHosts
from generator.network.endpoints import Endpoint
from generator.network.registries import Registries
from generator.network.rules import RefusedHost
from generator.sandboxes.contract import Command, CommandResult, FailureClass, OnLine, Resources, SandboxError, Usage
from generator.sandboxes.environment import command_environment
from generator.sandboxes.local.control_groups import ControlGroup, find_control_groups
from generator.sandboxes.local.copy_out import copy_out
from generator.sandboxes.local.launchers import (
    NO_DIRECTORY_LINE,
    READ_ONLY_DIRECTORIES,
    READY_LINE,
    IsolatedLauncher,
    Launch,
    PlainLauncher,
    launch_command,
)
from generator.sandboxes.local.network_access import NetworkAccess
from generator.sandboxes.local.process_tree import ProcessTable
from generator.sandboxes.local.supervision import CommandMonitor, supervise

UNPACK_SECONDS: Final = 600
MAX_LAUNCH_ERRORS: Final = 5


class LocalSandbox:
    """Sandbox of this machine; runs one command at a time.

    A command ends with the thread that runs it: the kernel ties the two together, so that nothing survives a killed
    runner.
    """

    def __init__(
        self,
        directory: PrivateDirectory,
        launcher: IsolatedLauncher | PlainLauncher,
        resources: Resources,
        env: Mapping[str, str],
        access: NetworkAccess,
        stop: threading.Event,
        process_table: ProcessTable,
    ) -> None:
        self._directory, self._launcher, self._resources, self._env = directory, launcher, resources, env
        self._access, self._stop, self._process_table = access, stop, process_table
        self._killed, self._removed = threading.Event(), False
        self._network_open, self._command_lock = True, threading.Lock()
        self._opened, self._peak_memory, self._seconds = time.monotonic(), 0, 0.0

    @property
    def root(self) -> str:
        """/build, or the real directory without isolation."""
        return self._launcher.root

    def put(self, archive: Path, directory: str) -> None:
        """Unpack a tar inside the sandbox, where a hostile archive is as harmless as a hostile build."""
        self._below_root(directory)
        target, last_line = shlex.quote(directory), deque[str](maxlen=1)
        script = f"mkdir -p -- {target} && tar -x --no-same-owner -f - -C {target}"
        with archive.open("rb") as tar:
            command = Command(script, self.root, UNPACK_SECONDS)
            result = self._run(command, last_line.append, network=False, stdin=tar.fileno(), unpack_to=directory)
        if result.killed or result.exit_code != 0:
            failure: FailureClass = "too_small" if result.killed in ("disk", "memory") else "permanent"
            reason = result.killed or "".join(last_line)
            raise SandboxError(f"{archive.name} cannot be unpacked: {reason}", failure)

    def run(self, command: Command, on_line: OnLine) -> CommandResult:
        """Run a command to its end; SandboxError when it cannot be started."""
        return self._run(command, on_line, network=self._network_open, stdin=subprocess.DEVNULL)

    def registries(self) -> Registries:
        """Return the registries that the tools are configured for."""
        return self._access.registries()

    def allow_only(self, setting: FetchHosts, named: frozenset[Endpoint] = frozenset()) -> tuple[str, ...] | None:
        """Restrict the network to the hosts of a setting and return their names; None, for all, without isolation."""
        return self._access.allow(setting, named)

    def allow_any_host(self) -> None:
        """Allow every host, private addresses included: only for a sandbox without any source of a crate."""
        self._access.allow_any_host()

    def requested_hosts(self) -> frozenset[Endpoint]:
        """Return the hosts that commands requested."""
        return self._access.requested_hosts()

    def refused_hosts(self) -> tuple[RefusedHost, ...] | None:
        """Return the hosts that commands requested and the network rules refused."""
        return self._access.refused_hosts()

    def unreachable_hosts(self) -> tuple[str, ...]:
        """Return a sentence for each host that commands could not be connected to; none once the network is closed."""
        return self._access.unreachable_hosts() if self._network_open else ()

    def close_network(self) -> None:
        """Close the network for all later commands, and mount `READ_ONLY_DIRECTORIES` read-only, when isolated."""
        self._network_open = False
        self._access.close()

    def get(self, path: str, destination: Path, max_bytes: int) -> None:
        """Copy one regular file out, without following links."""
        copy_out(self._directory.path / "build", self._below_root(path), destination, max_bytes)

    def kill(self, keep: bool = False) -> Usage:
        """Kill the running command and delete the sandbox; safe to call twice. `keep` has no effect."""
        self._killed.set()
        with self._command_lock:
            if not self._removed:
                self._removed = True
                self._access.close()
                # A stopped run must not wait while gigabytes are deleted.
                self._directory.remove(wait=not self._stop.is_set())
                self._seconds = round(time.monotonic() - self._opened, 3)
            peak = self._peak_memory or None
            return Usage(self._directory.path.name, self._resources, self._seconds, peak_memory=peak)

    def _run(
        self, command: Command, on_line: OnLine, *, network: bool, stdin: int, unpack_to: str = ""
    ) -> CommandResult:
        with self._command_lock:
            if self._removed:
                raise SandboxError("the sandbox has been killed")
            started = time.monotonic()
            output = _LaunchOutput(on_line)
            with self._control_group() as group:
                monitor = self._monitor(started + command.timeout, group)
                launch = self._launch(command, network, stdin, unpack_to, group)
                with self._start(launch) as process:
                    killed = supervise(process, output, monitor, self._launcher.kill)
                if killed is None and process.returncode != 0:
                    killed = monitor.shortage()
        self._peak_memory = max(self._peak_memory, monitor.peak_memory)
        if killed is None:
            output.check(command)
        exit_code = process.returncode if process.returncode >= 0 else 128 - process.returncode
        return CommandResult(exit_code, time.monotonic() - started, killed, monitor.peak_memory)

    @contextlib.contextmanager
    def _control_group(self) -> Iterator[ControlGroup | None]:
        """Create a control group for a command, or yield None where this runner may create none."""
        if (groups := find_control_groups()) is None:
            yield None
            return
        with groups.create(self._resources, len(self._launcher.cpus)) as group:
            yield group

    def _launch(
        self, command: Command, network: bool, stdin: int, unpack_to: str, group: ControlGroup | None
    ) -> Launch:
        extra = {**self._env, **command.env, **(self._access.variables if network else {})}
        env = command_environment(self.root, self._launcher.path, len(self._launcher.cpus), extra)
        script = self._access.script(command.script) if network else command.script
        program = launch_command(script, command.cwd, self._resources)
        # No code of the crate runs before the network is closed, so everything is writable until then.
        read_only = () if self._network_open else self._read_only_directories(unpack_to)
        proxy_directory = self._access.start_proxy() if network else None
        return Launch(program, env, proxy_directory, stdin, read_only, group.enter_command if group else ())

    def _read_only_directories(self, unpack_to: str) -> tuple[str, ...]:
        return tuple(each for each in READ_ONLY_DIRECTORIES if unpack_to != f"{self.root}/{each}")

    def _start(self, launch: Launch) -> subprocess.Popen[bytes]:
        try:
            return self._launcher.start(launch)
        except (OSError, ValueError) as error:
            raise SandboxError(f"a command cannot be started: {error}") from None

    def _monitor(self, deadline: float, group: ControlGroup | None) -> CommandMonitor:
        return CommandMonitor(
            (self._stop, self._killed),
            deadline,
            self._resources.memory_mib * 1024 * 1024,
            self._directory.path,
            self._process_table,
            group=group,
        )

    def _below_root(self, path: str) -> PurePosixPath:
        try:
            relative = PurePosixPath(path).relative_to(self.root)
        except ValueError:
            raise SandboxError(f"{path} is not below {self.root}", "permanent") from None
        if ".." in relative.parts:
            raise SandboxError(f"{path} is not below {self.root}", "permanent")
        return relative


class _LaunchOutput:
    """Filter that passes lines on after the launcher's ready line; earlier lines are errors of the launch."""

    def __init__(self, on_line: OnLine) -> None:
        self._on_line = on_line
        self._ready = False
        self._errors: list[str] = []

    def __call__(self, line: str) -> None:
        if self._ready:
            self._on_line(line)
        elif line == READY_LINE:
            self._ready = True
        else:
            self._errors = [*self._errors, line][-MAX_LAUNCH_ERRORS:]

    def check(self, command: Command) -> None:
        """SandboxError when the command has not started."""
        if self._ready:
            return
        if self._errors == [NO_DIRECTORY_LINE]:
            raise SandboxError(f"{command.cwd} is not a directory of the sandbox", "permanent")
        raise SandboxError("a command cannot be started: " + (" ".join(self._errors) or "there is no error message"))
