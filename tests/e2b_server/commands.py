"""The commands of one machine, told to whoever listens, as envd does it.

Output that nobody listens to is lost. A command is over when its leader has exited and nobody holds its output open any
more. It goes on when its listeners are gone.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from tests.e2b_server.machine import Machine, Refused

CHUNK_BYTES: Final = 32 * 1024
# How much a listener may lag behind before the command has to wait for it.
BACKLOG: Final = 64
# How long, in seconds, a command that has ended can still be asked how.
REMEMBERED: Final = 30.0

Stream = Literal["stdout", "stderr"]


@dataclass(frozen=True)
class Data:
    """A piece of output."""

    stream: Stream
    content: bytes


@dataclass(frozen=True)
class Ended:
    """How a command ended: `code` is negative for a signal."""

    code: int

    @property
    def status(self) -> str:
        """Go's words for it."""
        return f"exit status {self.code}" if self.code >= 0 else f"signal: {SIGNAL_WORDS[signal.Signals(-self.code)]}"


@dataclass(frozen=True)
class Lost:
    """The sandbox ended first."""


Event = Data | Ended | Lost

SIGNAL_WORDS: Final = {
    signal.SIGHUP: "hangup",
    signal.SIGINT: "interrupt",
    signal.SIGQUIT: "quit",
    signal.SIGABRT: "aborted",
    signal.SIGKILL: "killed",
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "floating point exception",
    signal.SIGILL: "illegal instruction",
    signal.SIGTRAP: "trace/breakpoint trap",
    signal.SIGXCPU: "CPU time limit exceeded",
    signal.SIGXFSZ: "file size limit exceeded",
    signal.SIGALRM: "alarm clock",
    signal.SIGUSR1: "user defined signal 1",
    signal.SIGUSR2: "user defined signal 2",
    signal.SIGSEGV: "segmentation fault",
    signal.SIGPIPE: "broken pipe",
    signal.SIGTERM: "terminated",
}


class Listener:
    """What one stream still has to be told; a full one makes the command wait, a closed one does not."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._room = asyncio.Event()
        self._room.set()
        self._closed = False

    async def give(self, event: Event) -> None:
        """Add an event, as soon as there is room."""
        await self._room.wait()
        self.add(event)

    def add(self, event: Event) -> None:
        """Add an event now."""
        self._events.put_nowait(event)
        if self._events.qsize() >= BACKLOG and not self._closed:
            self._room.clear()

    async def take(self, seconds: float) -> Event | None:
        """Return the next event, or None when there is none for so long."""
        try:
            async with asyncio.timeout(max(seconds, 0.0)):
                event = await self._events.get()
        except TimeoutError:
            return None
        if self._events.qsize() < BACKLOG:
            self._room.set()
        return event

    def close(self) -> None:
        """Stop holding the command up."""
        self._closed = True
        self._room.set()


@dataclass(eq=False)
class Running:
    """One command; `stdin` is the writing end of its input, None where it has none."""

    pid: int
    argv: tuple[str, ...]
    envs: Mapping[str, str]
    cwd: str | None
    tag: str | None
    stdin: int | None
    exited: asyncio.Future[int]
    listeners: set[Listener] = field(default_factory=set)
    ended: Ended | None = None
    ended_at: float = 0.0

    def tell(self, event: Event) -> None:
        """Tell all listeners the last thing they hear."""
        for listener in self.listeners:
            listener.add(event)

    def close_stdin(self) -> None:
        """Let the command read the end of its input."""
        if self.stdin is not None:
            os.close(self.stdin)
            self.stdin = None


class Commands:
    """All commands of a machine, by process number."""

    def __init__(self) -> None:
        self._running: dict[int, Running] = {}
        self._early: dict[int, int] = {}
        self._starting = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(
        self,
        machine: Machine,
        argv: tuple[str, ...],
        envs: Mapping[str, str],
        cwd: str | None,
        tag: str | None,
        stdin: bool,
    ) -> tuple[Running, Listener]:
        """Start a command and listen to it; Refused when it cannot be started."""
        output, errors = os.pipe(), os.pipe()
        given = os.pipe() if stdin else (os.open(os.devnull, os.O_RDONLY), None)
        theirs = (given[0], output[1], errors[1])
        env = {**machine.env, **envs}
        try:
            async with self._starting:
                answer = await machine.call("start", theirs, argv=list(argv), env=env, cwd=cwd or machine.env["HOME"])
        except Refused:
            for descriptor in (output[0], errors[0], *((given[1],) if given[1] is not None else ())):
                os.close(descriptor)
            raise
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        running = Running(
            answer.values["pid"], argv, envs, cwd, tag, given[1], asyncio.get_running_loop().create_future()
        )
        listener = Listener()
        running.listeners.add(listener)
        self._running[running.pid] = running
        if running.pid in self._early:
            running.exited.set_result(self._early.pop(running.pid))
        self._keep(self._follow(running, output[0], errors[0]))
        return running, listener

    def later(self, seconds: float, action: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do something after so many seconds, while the machine is there."""

        async def wait() -> None:
            await asyncio.sleep(seconds)
            await action()

        self._keep(wait())

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def find(self, pid: int | None, tag: str | None) -> Running | None:
        """Return a command by its number or its tag; one that ended a while ago is forgotten."""
        now = time.monotonic()
        for old in [each for each in self._running.values() if each.ended and now - each.ended_at > REMEMBERED]:
            del self._running[old.pid]
        if pid is not None:
            return self._running.get(pid)
        return next((each for each in self._running.values() if tag is not None and each.tag == tag), None)

    def alive(self) -> list[Running]:
        """Return those that have not ended."""
        return [each for each in self._running.values() if each.ended is None]

    def exited(self, pid: int, code: int) -> None:
        """Note how a leader ended; the word may come before the reply to its start."""
        running = self._running.get(pid)
        if running is None or running.exited.done():
            self._early[pid] = code
        else:
            running.exited.set_result(code)

    def clear(self, event: Event) -> None:
        """Tell all listeners that their machine is gone, and forget everything."""
        for running in self.alive():
            running.tell(event)
        for running in self._running.values():
            running.close_stdin()
        for task in self._tasks:
            task.cancel()
        self._running.clear()
        self._early.clear()

    async def _follow(self, running: Running, output: int, errors: int) -> None:
        await asyncio.gather(self._relay(running, "stdout", output), self._relay(running, "stderr", errors))
        running.ended = Ended(await running.exited)
        running.ended_at = time.monotonic()
        running.close_stdin()
        running.tell(running.ended)

    async def _relay(self, running: Running, stream: Stream, descriptor: int) -> None:
        async for content in _chunks(descriptor):
            for listener in tuple(running.listeners):
                await listener.give(Data(stream, content))


async def _chunks(descriptor: int) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=CHUNK_BYTES)
    pipe = os.fdopen(descriptor, "rb", buffering=0)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    try:
        while content := await reader.read(CHUNK_BYTES):
            yield content
    finally:
        transport.close()
