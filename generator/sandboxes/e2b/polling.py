"""Following a detached command from its start to its end, through whatever happens to the connection."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from generator.sandboxes.contract import Command, CommandResult, OnLine, SandboxError
from generator.sandboxes.e2b.detached import (
    MAX_LOG_BYTES,
    NO_DIRECTORY,
    CommandEnd,
    DetachedCommand,
    PollResult,
    read_poll,
)
from generator.sandboxes.e2b.errors import service_error
from generator.sandboxes.e2b.retry import RETRY_SECONDS, backoff
from generator.sandboxes.lines import Lines

# How long a question waits in the sandbox for something to tell: short while the command is young or talks, so that
# short commands are over at once, longer the longer it is silent, and never so long that a stop goes unnoticed.
SHORTEST_WAIT: Final = 0.2
LONGEST_WAIT: Final = 2.0
# The supervisor writes a sign of life every 2 s.
SILENCE: Final = 60
# How long after a command's time the supervisor may take to end it before the runner does.
GRACE: Final = 30.0
ANSWER_SECONDS: Final = 30.0
# A command that is being ended is not waited for that long.
ENDING_SECONDS: Final = 5.0


class Shell(Protocol):
    """Short commands in the sandbox; raises whatever the SDK raises."""

    def __call__(self, script: str, timeout: float, env: Mapping[str, str] = ...) -> str:
        """Run a script and return what it printed."""


@dataclass(frozen=True)
class CommandPoller:
    """Runs commands in one sandbox.

    `gone` asks the control plane whether the sandbox is; `stops` are the reasons to end a command early.
    """

    shell: Shell
    gone: Callable[[], bool]
    stops: tuple[threading.Event, ...]

    def run(
        self, detached: DetachedCommand, command: Command, env: Mapping[str, str], on_line: OnLine
    ) -> CommandResult:
        """Run a command to its end, deliver every line of it once and in order, and say how it ended."""
        script = detached.start_script(command, env)
        given = {name: value for name, value in env.items() if name not in ("HOME", "PATH")}
        self._ask(lambda: self.shell(script, ANSWER_SECONDS, given), "a command cannot be started")
        lines = Lines(on_line)
        try:
            end = self._follow(detached, lines, time.monotonic() + command.timeout + GRACE)
        except BaseException:
            self._end(detached)
            raise
        lines.end()
        return _finished(end, command)

    def _follow(self, detached: DetachedCommand, lines: Lines, deadline: float) -> CommandEnd:
        offset, heard = 0, time.monotonic()
        while True:
            now = time.monotonic()
            if self._stopped:
                return self._ended(detached, lines, offset, "stopped")
            if now >= deadline:
                return self._ended(detached, lines, offset, "timeout")
            wait = min(LONGEST_WAIT, max(SHORTEST_WAIT, (now - heard) / 4))
            poll = self._poll(detached, offset, wait)
            if poll is None:
                continue
            if poll.chunk:
                lines.feed(poll.chunk)
                offset, heard = offset + len(poll.chunk), time.monotonic()
            # Whatever size is told: where no more comes, there is no more.
            if poll.end is not None and (offset >= poll.size or not poll.chunk):
                return self._last_words(lines, offset, poll.end)
            if poll.end is None and poll.silent_seconds > SILENCE:
                raise SandboxError("what ran the command in the sandbox is gone without a word")

    def _poll(self, detached: DetachedCommand, offset: int, wait: float) -> PollResult | None:
        """Ask once; None when the run was stopped meanwhile."""
        script = detached.poll_script(offset, wait)
        try:
            said = self._ask(lambda: self.shell(script, wait + ANSWER_SECONDS), "the command's output cannot be read")
        except SandboxError:
            if self._stopped:
                return None
            raise
        return read_poll(said, offset)

    def _ask(self, question: Callable[[], str], doing: str) -> str:
        """Ask until there is an answer, the sandbox is known to be gone, or nobody answered for `PATIENCE` seconds."""
        silent_since = time.monotonic()
        for pause in backoff():
            try:
                return question()
            except SandboxError:
                raise
            except Exception as error:
                problem = service_error(error)
                lost = time.monotonic() - silent_since > RETRY_SECONDS
                if problem.kind == "gone" and self.gone():
                    raise SandboxError("the sandbox vanished in the middle of its work") from error
                if lost or not (problem.is_transient or problem.kind in ("gone", "failed")) or self._wait(pause):
                    raise problem.error(doing) from error
        raise AssertionError  # pragma: no cover  pauses never end

    def _ended(self, detached: DetachedCommand, lines: Lines, offset: int, why: str) -> CommandEnd:
        """End a command and deliver what it said until then."""
        self._end(detached)
        try:
            poll = read_poll(self.shell(detached.poll_script(offset, 0), ENDING_SECONDS), offset)
        except Exception:
            return CommandEnd(137, why, 0.0)
        lines.feed(poll.chunk)
        return CommandEnd(137, why, poll.end.seconds if poll.end else 0.0)

    def _end(self, detached: DetachedCommand) -> None:
        """End a command as well as can be: what does not end now ends with the sandbox."""
        with contextlib.suppress(Exception):
            self.shell(detached.stop_script(), ENDING_SECONDS)

    def _last_words(self, lines: Lines, size: int, end: CommandEnd) -> CommandEnd:
        if size >= MAX_LOG_BYTES:
            lines.feed(f"\n(the output is longer than {MAX_LOG_BYTES >> 20} MiB: the rest is left out)\n".encode())
        return end

    def _wait(self, seconds: float) -> bool:
        """Wait a little; True when the run was stopped meanwhile."""
        return self.stops[0].wait(seconds)

    @property
    def _stopped(self) -> bool:
        return any(stop.is_set() for stop in self.stops)


def _finished(end: CommandEnd, command: Command) -> CommandResult:
    if end.reason == NO_DIRECTORY:
        raise SandboxError(f"{command.cwd} is not a directory of the sandbox", "permanent")
    match end.reason:
        case "timeout" | "memory" | "disk" | "stopped":
            return CommandResult(end.exit_code, end.seconds, end.reason)
    return CommandResult(end.exit_code, end.seconds)
