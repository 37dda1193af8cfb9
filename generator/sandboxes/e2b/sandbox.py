"""One sandbox at E2B."""

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
from generator.sandboxes.layout import COMMANDS, ROOT, TRANSFERS
from generator.sandboxes.variables import variables

if TYPE_CHECKING:
    from generator.sandboxes.e2b.sdk import Sandbox as Handle

EVERYWHERE: Final = "0.0.0.0/0"
# A sandbox whose runner is gone lives on for `Life.seconds`; it is asked to this often.
BEATS_PER_LIFE: Final = 5
KEPT_SECONDS: Final = 3_600
REGISTRIES_SECONDS: Final = 120
KILL_RETRY_SECONDS: Final = 60.0
# A stopped run does not wait long for a service that is down: what it leaves ends by itself.
STOPPED_RETRY_SECONDS: Final = 8.0
KILL_SECONDS: Final = 10.0
# Characters of the longest answer to a question: a whole chunk of output in base64, and a little more.
MAX_ANSWER: Final = 2 * MAX_CHUNK_BYTES


@dataclass(frozen=True)
class Lifetime:
    """What a sandbox is told when it starts: the variables of its template, and how many seconds it outlives us."""

    env: Mapping[str, str]
    seconds: int


class E2BSandbox:
    """One sandbox of the service; runs one command at a time, safe to kill from another thread.

    A thread of its own keeps it alive, `BEATS_PER_LIFE` times in the time it has to live; when the runner dies, so
    does the sandbox.
    """

    root: Final = ROOT

    def __init__(
        self,
        handle: Handle,
        resources: Resources,
        life: Lifetime,
        env: Mapping[str, str],
        stop: threading.Event,
        kept: Callable[[str], None],
        known: RegistryCache | None = None,
    ) -> None:
        self._handle, self._resources, self._life, self._env = handle, resources, life, env
        self._killed, self._gone, self._stop, self._kept = threading.Event(), threading.Event(), stop, kept
        self._numbers, self._started = itertools.count(1), time.monotonic()
        self._busy, self._closing = threading.Lock(), threading.Lock()
        self._usage: Usage | None = None
        self._known = known or RegistryCache()
        self._follower = CommandPoller(self._shell, self._is_gone, (stop, self._killed))
        self._transfer = Transfer(handle.files, self._shell, self._work, stop)
        self._heart = threading.Thread(target=self._beat, name=f"heartbeat {handle.sandbox_id}", daemon=True)
        self._heart.start()

    @property
    def id(self) -> str:
        """The service's name for it."""
        return str(self._handle.sandbox_id)

    def put(self, archive: Path, directory: str) -> None:
        """Unpack a plain tar inside the sandbox; it is sent as one stream and compared before it is unpacked."""
        self._check_path(directory)
        with self._one_at_a_time():
            self._transfer.put(archive, directory, f"{ROOT}/{TRANSFERS}/{next(self._numbers)}.tar")

    def run(self, command: Command, on_line: OnLine) -> CommandResult:
        """Run a command to its end; it lives on in the sandbox when the connection does not."""
        env = variables(
            ROOT, self._life.env["PATH"], self._resources.cpus, {**self._life.env, **self._env, **command.env}
        )
        if bad := [name for name, value in env.items() if "\0" in value]:
            raise SandboxError(f"a command cannot be started: {bad[0]} holds a null byte", "permanent")
        with self._one_at_a_time():
            return self._follower.run(self._next_command(), command, env, on_line)

    def registries(self) -> Registries:
        """Say where the tools of the template get packages from; all sandboxes have the same."""
        return self._known.get(lambda: parse_registries(self._work(registries_script(), REGISTRIES_SECONDS)))

    def refused_hosts(self) -> tuple[RefusedHost, ...]:
        """Nothing: the service does not say."""
        return ()

    def allow_only(self, setting: FetchHosts, named: frozenset[Endpoint] = frozenset()) -> tuple[str, ...] | None:
        """Let the sandbox reach only these hosts, by their names; returns them, None for all."""
        auto: list[str] = []
        if setting == "auto" or "auto" in setting:
            auto = sorted({each.host for each in self.registries().endpoints | named})
        hosts = allowed_hosts(setting, auto)
        if hosts is not None:
            only = list(hosts)
            retry(
                lambda: self._handle.update_network({"allow_out": only, "deny_out": [EVERYWHERE]}),
                "the network cannot be limited",
                self._stop,
            )
        return hosts

    def close_network(self) -> None:
        """Deny all traffic at the service, outside of the sandbox."""
        retry(
            lambda: self._handle.update_network({"deny_out": [EVERYWHERE]}), "the network cannot be closed", self._stop
        )

    def get(self, path: str, destination: Path, max_bytes: int) -> None:
        """Copy one regular file out and compare it with what it was in the sandbox."""
        self._check_path(path)
        with self._one_at_a_time():
            self._transfer.get(path, destination, max_bytes)

    def kill(self, keep: bool = False) -> Usage:
        """End the sandbox, or give it an hour more for somebody to look inside; safe to call twice."""
        self._killed.set()
        with self._closing:
            if self._usage is None:
                self._usage = replace(self._measured(), note=self._keep() if keep else self._kill())
            return self._usage

    def abandon(self) -> None:
        """Start no more commands and keep it alive no longer: its backend has ended it."""
        self._killed.set()

    def _kill(self) -> str | None:
        patience = STOPPED_RETRY_SECONDS if self._stop.is_set() else KILL_RETRY_SECONDS
        try:
            retry(lambda: self._handle.kill(request_timeout=KILL_SECONDS), "it does not answer", patience=patience)
        except SandboxError as error:
            return f"sandbox {self.id} could not be killed ({error}): it ends by itself at {_in(self._life.seconds)}"
        return None

    def _keep(self) -> str:
        self._heart.join()  # its last beat must not come after the hour that is given now
        try:
            retry(lambda: self._handle.set_timeout(KEPT_SECONDS), "it does not answer", self._stop)
        except SandboxError as error:
            return f"sandbox {self.id} could not be kept ({error})"
        self._kept(self.id)
        return (
            f"sandbox {self.id} is kept until {_in(KEPT_SECONDS)}, and billed: look inside with "
            f"npx @e2b/cli sandbox connect {self.id}"
        )

    def _measured(self) -> Usage:
        """Say what it used; what is not known when the service is slow is left out, for a kill must not wait."""
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

    def _shell(self, script: str, timeout: float, env: Mapping[str, str] | None = None) -> str:
        """Run a short command in the foreground; raises what the SDK raises, and SandboxError when it says too much."""
        answer = _Answer()
        self._handle.commands.run(
            script, envs=dict(env or {}), cwd=ROOT, timeout=timeout,
            on_stdout=answer.take, on_stderr=answer.count, retain_output=False,
        )  # fmt: skip
        return "".join(answer.parts)

    def _work(self, script: str, timeout: float) -> str:
        """Run a script of the runner's own that may take long, detached like a crate's; returns its stdout."""
        answer = _Answer()
        env = variables(ROOT, self._life.env["PATH"], self._resources.cpus, self._life.env)
        done = self._follower.run(
            self._next_command(),
            Command(f"exec 2> /dev/null\n{script}", ROOT, timeout),
            env,
            lambda line: answer.take(f"{line}\n"),
        )
        if done.killed or done.exit_code:
            why = f"was ended: {done.killed}" if done.killed else f"failed with exit code {done.exit_code}"
            raise SandboxError(f"the runner's own work in the sandbox {why}")
        return "".join(answer.parts)

    def _next_command(self) -> DetachedCommand:
        return DetachedCommand(f"{ROOT}/{COMMANDS}/{next(self._numbers)}")

    def _is_gone(self) -> bool:
        """Ask the control plane; no answer is no proof."""
        try:
            self._handle.get_info(request_timeout=10)
        except Exception as error:
            if service_error(error).kind == "gone":
                self._gone.set()
        return self._gone.is_set()

    def _beat(self) -> None:
        while not self._killed.wait(self._life.seconds / BEATS_PER_LIFE):
            try:
                self._handle.set_timeout(self._life.seconds, request_timeout=self._life.seconds / BEATS_PER_LIFE)
            except Exception as error:
                if service_error(error).kind == "gone":
                    return

    @contextlib.contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        with self._busy:
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


class _Answer:
    """What a short command says, held to `MAX_ANSWER`: what a crate left behind may have changed the shell."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._left = MAX_ANSWER

    def take(self, text: str) -> None:
        """Keep a piece; SandboxError beyond the bound."""
        self.count(text)
        self.parts.append(text)

    def count(self, text: str) -> None:
        """Let a piece go by; SandboxError beyond the bound."""
        self._left -= len(text)
        if self._left < 0:
            raise SandboxError("the sandbox says more than it was asked", "permanent")


def _in(seconds: float) -> str:
    return f"{datetime.now(UTC) + timedelta(seconds=seconds):%H:%M} UTC"
