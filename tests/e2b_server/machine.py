"""The machine of one sandbox: a long-lived bubblewrap container with an agent in it that starts commands.

What a command leaves behind lives on until the machine ends, as in a virtual machine; the machine ends with the process
that made it. Files and commands are the sandbox's own user's, the one of local sandboxes.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import psutil

from generator.files.private_directories import PrivateDirectory, create_private_directory
from generator.sandboxes.local.bubblewrap import UNPRIVILEGED_UID, IsolationSpec
from generator.sandboxes.local.isolation import (
    ETC_FILES,
    HOST_ENV,
    bubblewrap_arguments,
    bubblewrap_command,
    etc_binds,
    is_root,
    system_spec,
    write_etc,
)
from generator.sandboxes.local.memory import memory_used
from generator.sandboxes.local.network_environment import NetworkEnvironment, network_environment, npm_registry
from generator.sandboxes.local.process_tree import ProcessTable
from generator.sandboxes.local.relay import PROXY_VARIABLES
from generator.toolchain.host import HostToolchain
from generator.toolchain.mounts import Bind
from tests.e2b_server.agent import receive, send
from tests.e2b_server.network import Network
from tests.e2b_server.rules import SMALL_DISK_MIB, TemplateSize

HOME: Final = "/tmp/home"
BOOT_SECONDS: Final = 120
AGENT: Final = "/opt/agent/agent.py"
PYTHON: Final = "/opt/agent/python"
KEPT: Final = "/opt/agent/kept"


class Refused(Exception):
    """The agent could not do it; `errno` is 0 where the system has no number for it."""

    def __init__(self, errno: int, message: str) -> None:
        super().__init__(message)
        self.errno = errno


class NotStarted(Exception):
    """The container did not start, with what it said."""


@dataclass(frozen=True)
class Answer:
    """What the agent said, and the files it opened."""

    values: Mapping[str, Any]
    descriptors: Sequence[int]


class Hall:
    """What all machines of a server share: where they lie, what they see, and one look at the process table."""

    def __init__(
        self, directory: Path, toolchain: HostToolchain, binds: Sequence[Bind] = (), image: Path | None = None
    ) -> None:
        beyond = network_environment(os.environ, npm_registry(os.environ), True)
        # A machine of the service goes by the user's own proxies, if any, and has none of its own.
        proxies = {name: os.environ[name] for name in PROXY_VARIABLES if name in os.environ}
        certificates = {name: value for name, value in beyond.proxy_variables.items() if name not in PROXY_VARIABLES}
        beyond = replace(beyond, proxy_variables={**certificates, **proxies})
        self.directory, self.path, self.beyond, self.table = directory, toolchain.path, beyond, ProcessTable()
        self._turns = itertools.count()
        system = system_of(image) if image else system_spec()
        own = directory / "agent.py"  # a copy, for a checkout may be closed to the sandboxes' user
        own.write_bytes(Path(__file__).with_name("agent.py").read_bytes())
        own.chmod(0o644)
        agent = (Bind(str(own), AGENT), Bind(sys.base_prefix, PYTHON))
        own_binds = (*system.binds, *(() if image else toolchain.binds), *beyond.certificates, *agent)
        links = system.links if image else (*system.links, *toolchain.links)
        self.view, self.image = replace(system, binds=(*own_binds, *binds), links=links), image

    def processors(self, cpus: int) -> str:
        """Choose processors in turn, as local sandboxes do."""
        usable = sorted(os.sched_getaffinity(0))
        count = min(cpus, len(usable))
        first = next(self._turns) * count
        return ",".join(str(usable[(first + number) % len(usable)]) for number in range(count))


def system_of(image: Path) -> IsolationSpec:
    """Return the view of another system: all of its root but what each machine has of its own."""
    binds, links = list[Bind](), list[tuple[str, str]]()
    own = {*ETC_FILES, "resolv.conf", "certificates"}
    parts = [each for name in ("etc", "opt") for each in (image / name).iterdir() if each.name not in own]
    kept = {"build", "dev", "etc", "opt", "proc", "run", "sys", "tmp"}
    for path in (*(each for each in image.iterdir() if each.name not in kept), *parts):
        target = f"/{path.relative_to(image)}"
        if path.is_symlink():
            links.append((target, str(path.readlink())))
        else:
            binds.append(Bind(str(path), target))
    return replace(system_spec(), binds=tuple(binds), links=tuple(links))


def environment(path: str, beyond: NetworkEnvironment, network: Network) -> dict[str, str]:
    """Return what every command finds in its environment."""
    ways = beyond.proxy_variables if network.open else {}
    return {"PATH": path, "HOME": HOME, "USER": "user", "LOGNAME": "user", **beyond.registry_variables, **ways}


class Machine:
    """A container; all methods but `sample` and `disk_bytes` are for the event loop's thread, whose end is the container's end."""

    def __init__(self, hall: Hall, size: TemplateSize, on_exit: Callable[[int, int], None]) -> None:
        self.size, self.oom_kills = size, 0
        self._hall, self._on_exit, self._network = hall, on_exit, Network()
        self._processors = hall.processors(size.cpus)
        self._place: PrivateDirectory | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._small = size.disk_mib <= SMALL_DISK_MIB and "--size" in hall.view.supported_options
        self._agent: int | None = None
        self._cpu: dict[int, float] = {}
        self._cpu_at = time.monotonic()

    @property
    def env(self) -> dict[str, str]:
        """The variables of commands that say nothing else."""
        return environment(self._hall.path, self._hall.beyond, self._network)

    @property
    def directory(self) -> Path:
        """Where its files lie on the host."""
        assert self._place is not None
        return self._place.path

    async def start(self, network: Network) -> None:
        """Make its directory and start it."""
        self._place = create_private_directory(self._hall.directory, "sandbox")
        write_etc(self.directory / "etc")
        for name in ("build", "tmp", "tmp/home", "kept"):
            (self.directory / name).mkdir()
            if is_root():
                os.chown(self.directory / name, UNPRIVILEGED_UID, UNPRIVILEGED_UID)
        if self._hall.image:
            await asyncio.to_thread(self._copy_build, self._hall.image / "build")
        self._count_kills()
        await self.set_network(network)

    def _copy_build(self, source: Path) -> None:
        """Copy the image's /build, as its user's own."""
        words = ["cp", "-a", "--reflink=auto", f"{source}/.", str(self.directory / "build")]
        subprocess.run(words, check=True)  # noqa: TID251
        if is_root():
            owner = f"{UNPRIVILEGED_UID}:{UNPRIVILEGED_UID}"
            subprocess.run(["chown", "-hR", owner, str(self.directory / "build")], check=True)  # noqa: TID251

    async def set_network(self, network: Network) -> None:
        """Let it reach something else: a network that closes or opens takes a new container, which ends what runs.

        That is stricter than the service, where what runs goes on and only its packets are dropped.
        """
        previous, self._network = self._network, network
        await asyncio.to_thread(self._write_names, network)
        if self._process is None:
            await self._boot()
        elif previous.open != network.open:
            if self._small:
                await self.call("copy", source="/build", destination=KEPT)
            self.halt()
            await self._boot()
            if self._small:
                await self.call("copy", source=KEPT, destination="/build")

    def halt(self) -> None:
        """End everything in it; its files stay."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._channel is not None:
            with contextlib.suppress(OSError):
                self._channel.shutdown(socket.SHUT_RDWR)
            self._channel = None

    async def remove(self) -> None:
        """End it and delete its files."""
        self.halt()
        if self._place is not None:
            place, self._place = self._place, None
            await asyncio.to_thread(place.remove)

    async def call(self, call: str, descriptors: Sequence[int] = (), **values: Any) -> Answer:
        """Ask the agent; Refused when it cannot."""
        channel, number = self._channel, next(self._numbers)
        if channel is None:
            raise Refused(0, "the machine is not running")
        future = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            send(channel, {"call": call, "number": number, **values}, descriptors)
            answer: Answer = await future
        except OSError:
            raise Refused(0, "the machine is not running") from None
        finally:
            self._waiting.pop(number, None)
        if "error" in answer.values:
            raise Refused(answer.values["errno"], answer.values["error"])
        return answer

    async def _boot(self) -> None:
        ours, theirs = socket.socketpair()
        said = self.directory / "boot.log"
        with theirs, said.open("wb") as log:
            self._process = self._container(theirs.fileno(), log.fileno())
        self._channel, self._agent = ours, None
        loop, ready = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()
        threading.Thread(target=self._listen, args=(loop, ours, ready), name="agent", daemon=True).start()
        try:
            async with asyncio.timeout(BOOT_SECONDS):
                await ready
        except (TimeoutError, Refused):
            raise NotStarted(f"a container does not start: {said.read_text(errors='replace').strip()}") from None

    def _listen(self, loop: asyncio.AbstractEventLoop, channel: socket.socket, ready: asyncio.Future[None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop may be closed already
            while received := receive(channel):
                loop.call_soon_threadsafe(self._heard, channel, *received, ready)
            loop.call_soon_threadsafe(self._lost, channel, ready)

    def _heard(
        self, channel: socket.socket, message: dict[str, Any], descriptors: list[int], ready: asyncio.Future[None]
    ) -> None:
        if "ready" in message:
            ready.set_result(None)
        elif "exited" in message and channel is self._channel:
            self._on_exit(message["exited"], message["code"])
        elif (waiting := self._waiting.get(message.get("number", 0))) and not waiting.done():
            waiting.set_result(Answer(message, descriptors))
        else:
            for descriptor in descriptors:
                os.close(descriptor)

    def _lost(self, channel: socket.socket, ready: asyncio.Future[None]) -> None:
        channel.close()
        if not ready.done():
            ready.set_exception(Refused(0, "the machine has ended"))
        if self._channel in (None, channel):
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(Refused(0, "the machine has ended"))

    def _container(self, channel: int, log: int) -> subprocess.Popen[bytes]:
        etc = self.directory / "etc"
        own: tuple[Bind, ...] = (
            Bind(str(self.directory / "build"), "/build", True),
            Bind(str(self.directory / "tmp"), "/tmp", True),
        )
        if self._small:
            own = (*own, Bind(str(self.directory / "kept"), KEPT, True))
        statistics = Bind(str(self.directory / "vmstat"), "/opt/agent/vmstat")
        own = (*own, Bind(str(etc / "resolv.conf"), "/etc/resolv.conf"))
        binds = (*self._hall.view.binds, *etc_binds(etc), *own, statistics)
        env = {"LD_LIBRARY_PATH": f"{PYTHON}/lib", "PYTHONDONTWRITEBYTECODE": "1"}
        view = replace(self._hall.view, binds=binds, env=env)
        name = Path(sys.executable).resolve().name
        agent = [f"{PYTHON}/bin/{name}", "-I", "-S", AGENT, str(channel)]
        with bubblewrap_command(self._steps(view, statistics)) as (words, descriptors):
            return subprocess.Popen(
                ["taskset", "-c", self._processors, *words, *agent],
                env=HOST_ENV, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=(*descriptors, channel), start_new_session=True, umask=0o022,
            )  # fmt: skip

    def _steps(self, view: IsolationSpec, statistics: Bind) -> list[list[str]]:
        """Bubblewrap's options, with the machine's own count of out-of-memory kills, and a disk that is small."""
        options = [list(step) for step in bubblewrap_arguments(view)]
        if self._network.open:  # which a sandbox of this machine never shares
            options[-1].insert(options[-1].index("--unshare-all") + 1, "--share-net")
        source = statistics.target if is_root() else statistics.source
        options[-1] += ["--ro-bind", source, "/proc/vmstat"]
        if self._small:
            options[-1] += ["--size", str(self.size.disk_mib << 20), "--perms", "0755", "--tmpfs", "/build"]
        return options

    def _write_names(self, network: Network) -> None:
        """Let only allowed names resolve: written in place, for the container sees these very files."""
        files = dict(ETC_FILES)
        resolver = Path("/etc/resolv.conf")
        files["resolv.conf"] = resolver.read_text(errors="replace") if resolver.exists() else ""
        if network.names is None:
            files["nsswitch.conf"] = "passwd: files\ngroup: files\nhosts: files dns\n"
        else:
            files["resolv.conf"] = ""
            files["hosts"] += "".join(f"{address} {name}\n" for name in network.names for address in _addresses(name))
        for name in ("hosts", "nsswitch.conf", "resolv.conf"):
            (self.directory / "etc" / name).write_text(files[name])

    def sample(self) -> tuple[float, int]:
        """Return the processors in use since the last sample and the bytes of memory, from any thread.

        Above the machine's memory the largest process is killed, as the kernel of a virtual machine would do.
        """
        process = self._process
        if process is None:
            return 0.0, 0
        limit = self.size.memory_mib << 20
        alive, self._agent = _commands(self._hall.table.tree(process.pid))
        used = memory_used(alive, limit)
        if used > limit:
            self._kill_largest(alive)
        now, seconds = time.monotonic(), {each.pid: _cpu_seconds(each) for each in alive}
        busy = sum(max(0.0, spent - self._cpu.get(pid, 0.0)) for pid, spent in seconds.items())
        cpus = busy / max(now - self._cpu_at, 0.001)
        self._cpu, self._cpu_at = seconds, now
        return min(cpus, float(self.size.cpus)), used

    def disk_bytes(self) -> int:
        """Return the bytes that its files take, from any thread."""
        place = self._place
        if self._small:
            if self._agent is None and self._process is not None:
                _, self._agent = _commands(psutil.Process(self._process.pid).children(recursive=True))
            disk = os.statvfs(f"/proc/{self._agent}/root/build")
            return (disk.f_blocks - disk.f_bfree) * disk.f_frsize
        return sum(_tree_bytes(str(place.path / name)) for name in ("build", "tmp")) if place else 0

    def _kill_largest(self, alive: Sequence[psutil.Process]) -> None:
        sizes: dict[psutil.Process, int] = {}
        for each in alive:
            with contextlib.suppress(psutil.Error):
                sizes[each] = each.memory_info().rss
        if sizes:
            # Counted first: whoever sees the process gone must find the count.
            self.oom_kills += 1
            self._count_kills()
            with contextlib.suppress(psutil.Error):
                max(sizes, key=lambda each: sizes[each]).kill()

    def _count_kills(self) -> None:
        if self._place is not None:
            (self._place.path / "vmstat").write_text(f"nr_free_pages {1 << 18}\noom_kill {self.oom_kills}\n")


def _commands(processes: Sequence[psutil.Process]) -> tuple[list[psutil.Process], int | None]:
    """Return those that are not of the container itself, and the number of its agent."""
    commands, agent = list[psutil.Process](), None
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if AGENT in process.cmdline():
                agent = process.pid if process.name() != "bwrap" else agent
            elif process.name() not in ("bwrap", "taskset", "setpriv"):
                commands.append(process)
    return commands, agent


def _cpu_seconds(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error):
        times = process.cpu_times()
        return times.user + times.system
    return 0.0


def _tree_bytes(directory: str) -> int:
    total = 0
    with contextlib.suppress(OSError), os.scandir(directory) as found:
        for each in found:
            with contextlib.suppress(OSError):
                if each.is_dir(follow_symlinks=False):
                    total += _tree_bytes(each.path)
                else:
                    total += each.stat(follow_symlinks=False).st_blocks * 512
    return total


def _addresses(name: str) -> list[str]:
    """Return what a name resolves to, both kinds; a wildcard's names cannot be known beforehand."""
    with contextlib.suppress(OSError):
        return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)))
    return []
