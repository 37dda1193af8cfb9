"""Sandbox at E2B: commands, files, network rules, heartbeat and usage."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from generator.manifest.values import FetchHosts
from generator.network.endpoints import Endpoint
from generator.network.hosts import allowed_hosts
from generator.network.registries import Registries, RegistryCache, parse_registries, registries_script
from generator.network.rules import RefusedHost
from generator.sandboxes.contract import Command, CommandResult, OnLine, Resources, SandboxError, Usage
from generator.sandboxes.e2b.detached import MAX_CHUNK_BYTES, DetachedCommand
from generator.sandboxes.e2b.errors import service_error
from generator.sandboxes.e2b.polling import CommandPoller
from generator.sandboxes.e2b.retry import retry
from generator.sandboxes.e2b.transfers import Transfer
from generator.sandboxes.environment import command_environment
from generator.sandboxes.layout import COMMANDS, ROOT, TRANSFERS

if TYPE_CHECKING:
    from e2b.sandbox.sandbox_api import SandboxNetworkUpdate

    from generator.sandboxes.e2b.sdk import Sandbox as Handle

ALL_ADDRESSES: Final = "0.0.0.0/0"
# Heartbeats in the time that a sandbox lives without one, `Lifetime.seconds`.
HEARTBEATS_PER_LIFETIME: Final = 5
KEPT_SECONDS: Final = 3_600
REGISTRIES_SECONDS: Final = 120
KILL_RETRY_SECONDS: Final = 60.0
# Retry budget of a stopped run, in seconds. Sandboxes that survive it end by themselves.
STOPPED_RETRY_SECONDS: Final = 8.0
KILL_SECONDS: Final = 10.0
# Characters of the longest response of a script: a whole chunk of output in base64, and a little more.
MAX_RESPONSE_CHARS: Final = 2 * MAX_CHUNK_BYTES


@dataclass(frozen=True)
class Lifetime:
    """Environment variables of the template, and the seconds that a sandbox survives a dead runner."""

    env: Mapping[str, str]
    seconds: int


class E2BSandbox:
    """Sandbox of the service; runs one command at a time, safe to kill from another thread.

    A heartbeat thread extends its timeout, so that it ends soon after a runner that dies.
    """

    root: Final = ROOT

    def __init__(
        self,
        handle: Handle,
        resources: Resources,
        lifetime: Lifetime,
        env: Mapping[str, str],
        stop: threading.Event,
        on_keep: Callable[[str], None],
        registries: RegistryCache | None = None,
    ) -> None:
        self._handle, self._resources, self._lifetime, self._env = handle, resources, lifetime, env
        self._killed, self._gone, self._stop, self._on_keep = threading.Event(), threading.Event(), stop, on_keep
        self._numbers, self._started = itertools.count(1), time.monotonic()
        self._command_lock, self._kill_lock = threading.Lock(), threading.Lock()
        self._usage: Usage | None = None
        self._registries = registries or RegistryCache()
        self._poller = CommandPoller(self._run_attached, self._is_gone, (stop, self._killed))
        self._transfer = Transfer(handle.files, self._run_attached, self._run_detached, stop)
        self._heartbeat = threading.Thread(
            target=self._send_heartbeats, name=f"heartbeat {handle.sandbox_id}", daemon=True
        )
        self._heartbeat.start()

    @property
    def id(self) -> str:
        """ID of the sandbox at the service."""
        return str(self._handle.sandbox_id)

    def put(self, archive: Path, directory: str) -> None:
        """Upload a tar as one stream, check its digest and unpack it inside the sandbox."""
        self._check_path(directory)
        with self._one_at_a_time():
            self._transfer.put(archive, directory, f"{ROOT}/{TRANSFERS}/{next(self._numbers)}.tar")

    def run(self, command: Command, on_line: OnLine) -> CommandResult:
        """Run a command to its end; the command survives a lost connection."""
        env = self._command_environment({**self._env, **command.env})
        if bad := [name for name, value in env.items() if "\0" in value]:
            raise SandboxError(f"a command cannot be started: {bad[0]} holds a null byte", "permanent")
        with self._one_at_a_time():
            return self._poller.run(self._next_command(), command, env, on_line)

    def registries(self) -> Registries:
        """Return the registries of the template's tools, which are the same in all sandboxes."""
        return self._registries.get(
            lambda: parse_registries(self._run_detached(registries_script(), REGISTRIES_SECONDS))
        )

    def refused_hosts(self) -> tuple[RefusedHost, ...] | None:
        """Return None: the service does not report refused hosts."""
        return None

    def unreachable_hosts(self) -> tuple[str, ...]:
        """Return nothing: the service does not report connections."""
        return ()

    def allow_only(self, setting: FetchHosts, named: frozenset[Endpoint] = frozenset()) -> tuple[str, ...] | None:
        """Restrict the network to the hosts of a setting and return their names, or None for all hosts."""
        auto: list[str] = []
        if setting == "auto" or "auto" in setting:
            auto = sorted({each.host for each in self.registries().endpoints | named})
        hosts = allowed_hosts(setting, auto)
        if hosts is not None:
            rules: SandboxNetworkUpdate = {"allow_out": list(hosts), "deny_out": [ALL_ADDRESSES]}
            retry(lambda: self._handle.update_network(rules), "the network cannot be limited", self._stop)
        return hosts

    def close_network(self) -> None:
        """Deny all traffic at the service, where nothing inside the sandbox can change it."""
        rules: SandboxNetworkUpdate = {"deny_out": [ALL_ADDRESSES]}
        retry(lambda: self._handle.update_network(rules), "the network cannot be closed", self._stop)

    def get(self, path: str, destination: Path, max_bytes: int) -> None:
        """Download one regular file and compare its digest with the one in the sandbox."""
        self._check_path(path)
        with self._one_at_a_time():
            self._transfer.get(path, destination, max_bytes)

    def kill(self, keep: bool = False) -> Usage:
        """Kill the sandbox, or keep it for an hour more for debugging; safe to call twice."""
        self._killed.set()
        with self._kill_lock:
            if self._usage is None:
                self._usage = replace(self._measure_usage(), note=self._keep() if keep else self._kill())
            return self._usage

    def abandon(self) -> None:
        """Stop the heartbeat and refuse commands, because the backend kills the sandbox."""
        self._killed.set()

    def _kill(self) -> str | None:
        seconds = STOPPED_RETRY_SECONDS if self._stop.is_set() else KILL_RETRY_SECONDS
        try:
            retry(lambda: self._handle.kill(request_timeout=KILL_SECONDS), "it does not answer", seconds=seconds)
        except SandboxError as error:
            ends = _time_in(self._lifetime.seconds)
            return f"sandbox {self.id} could not be killed ({error}): it ends by itself at {ends}"
        return None

    def _keep(self) -> str:
        self._heartbeat.join()  # a later heartbeat would shorten the hour
        try:
            retry(lambda: self._handle.set_timeout(KEPT_SECONDS), "it does not answer", self._stop)
        except SandboxError as error:
            return f"sandbox {self.id} could not be kept ({error})"
        self._on_keep(self.id)
        return (
            f"sandbox {self.id} is kept until {_time_in(KEPT_SECONDS)}, and billed: open a shell in it with "
            f"npx @e2b/cli sandbox connect {self.id}"
        )

    def _measure_usage(self) -> Usage:
        """Return the usage, without peaks when the service is slow: they must not delay a kill."""
        usage = Usage(self.id, self._resources, round(time.monotonic() - self._started, 3))
        if self._stop.is_set() or self._gone.is_set():
            return usage
        with contextlib.suppress(Exception):
            if points := self._handle.get_metrics(request_timeout=10, retries=1):
                return replace(
                    usage,
                    peak_cpus=round(max(each.cpu_used_pct * each.cpu_count / 100 for each in points), 2),
                    peak_memory=max(each.mem_used for each in points),
                    peak_disk=max(each.disk_used for each in points),
                )
        return usage

    def _command_environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        template = self._lifetime.env
        return command_environment(ROOT, template["PATH"], self._resources.cpus, {**template, **extra})

    def _run_attached(self, script: str, timeout: float, env: Mapping[str, str] | None = None) -> str:
        """Run a short script over one connection and return its stdout; raises the SDK's exceptions.

        SandboxError when the output is too long.
        """
        output = _BoundedOutput()
        self._handle.commands.run(
            script, envs=dict(env or {}), cwd=ROOT, timeout=timeout,
            on_stdout=output.append, on_stderr=output.count, retain_output=False,
        )  # fmt: skip
        return "".join(output.parts)

    def _run_detached(self, script: str, timeout: float) -> str:
        """Run a longer script of the runner, detached like a crate's commands, and return its stdout."""
        output = _BoundedOutput()
        result = self._poller.run(
            self._next_command(),
            Command(f"exec 2> /dev/null\n{script}", ROOT, timeout),
            self._command_environment({}),
            lambda line: output.append(f"{line}\n"),
        )
        if result.killed or result.exit_code:
            reason = f"was ended: {result.killed}" if result.killed else f"failed with exit code {result.exit_code}"
            raise SandboxError(f"a script of the runner in the sandbox {reason}")
        return "".join(output.parts)

    def _next_command(self) -> DetachedCommand:
        return DetachedCommand(f"{ROOT}/{COMMANDS}/{next(self._numbers)}")

    def _is_gone(self) -> bool:
        """Ask the control plane whether the sandbox still exists; no response proves nothing."""
        try:
            self._handle.get_info(request_timeout=10)
        except Exception as error:
            if service_error(error).kind == "sandbox_gone":
                self._gone.set()
        return self._gone.is_set()

    def _send_heartbeats(self) -> None:
        interval = self._lifetime.seconds / HEARTBEATS_PER_LIFETIME
        while not self._killed.wait(interval):
            try:
                self._handle.set_timeout(self._lifetime.seconds, request_timeout=interval)
            except Exception as error:
                if service_error(error).kind == "sandbox_gone":
                    return

    @contextlib.contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        with self._command_lock:
            if self._killed.is_set():
                raise SandboxError("the sandbox has been killed")
            yield

    def _check_path(self, path: str) -> None:
        try:
            inside = ".." not in PurePosixPath(path).relative_to(ROOT).parts
        except ValueError:
            inside = False
        if not inside:
            raise SandboxError(f"{path} is not below {ROOT}", "permanent")


class _BoundedOutput:
    """Output of a script up to `MAX_RESPONSE_CHARS`; a crate may have replaced the shell that prints it."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._remaining = MAX_RESPONSE_CHARS

    def append(self, text: str) -> None:
        """Keep a part; SandboxError beyond the limit."""
        self.count(text)
        self.parts.append(text)

    def count(self, text: str) -> None:
        """Count a part without keeping it; SandboxError beyond the limit."""
        self._remaining -= len(text)
        if self._remaining < 0:
            raise SandboxError("the sandbox's response to a script is too long", "permanent")


def _time_in(seconds: float) -> str:
    return f"{datetime.now(UTC) + timedelta(seconds=seconds):%H:%M} UTC"
