"""Polling of a detached command from its start to its end, in spite of lost connections."""

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
from generator.sandboxes.lines import LineSplitter

# A poll waits in the sandbox for output: briefly while the command is young or prints, so that short commands end at
# once, and longer with its silence. The maximum keeps the delay of a stop short.
MIN_POLL_SECONDS: Final = 0.2
MAX_POLL_SECONDS: Final = 2.0
# Seconds without a heartbeat until the supervisor counts as dead. It writes one every 2 s.
HEARTBEAT_TIMEOUT: Final = 60
# Seconds that the supervisor may take to end a command after its timeout, before the runner does.
GRACE_SECONDS: Final = 30.0
RESPONSE_SECONDS: Final = 30.0
# Seconds for a response about a command that is being stopped.
STOP_SECONDS: Final = 5.0


class Shell(Protocol):
    """Function that runs short commands in the sandbox; raises the SDK's exceptions."""

    def __call__(self, script: str, timeout: float, env: Mapping[str, str] = ...) -> str:
        """Run a script and return its stdout."""


@dataclass(frozen=True)
class CommandPoller:
    """Runner of detached commands in one sandbox.

    `is_gone` asks the control plane whether the sandbox has vanished. Any event of `stops` ends a command early.
    """

    shell: Shell
    is_gone: Callable[[], bool]
    stops: tuple[threading.Event, ...]

    def run(
        self, detached: DetachedCommand, command: Command, env: Mapping[str, str], on_line: OnLine
    ) -> CommandResult:
        """Run a command to its end, and deliver every line once and in order."""
        script = detached.start_script(command, env)
        passed = {name: value for name, value in env.items() if name not in ("HOME", "PATH")}
        self._call(lambda: self.shell(script, RESPONSE_SECONDS, passed), "a command cannot be started")
        lines = LineSplitter(on_line)
        try:
            end = self._poll_to_end(detached, lines, time.monotonic() + command.timeout + GRACE_SECONDS)
        except BaseException:
            self._stop(detached)
            raise
        lines.end()
        return _result(end, command)

    def _poll_to_end(self, detached: DetachedCommand, lines: LineSplitter, deadline: float) -> CommandEnd:
        offset, last_output = 0, time.monotonic()
        while True:
            now = time.monotonic()
            if self._is_stopped:
                return self._end_early(detached, lines, offset, "stopped")
            if now >= deadline:
                return self._end_early(detached, lines, offset, "timeout")
            wait = min(MAX_POLL_SECONDS, max(MIN_POLL_SECONDS, (now - last_output) / 4))
            poll = self._poll(detached, offset, wait)
            if poll is None:
                continue
            if poll.chunk:
                lines.feed(poll.chunk)
                offset, last_output = offset + len(poll.chunk), time.monotonic()
            # An empty chunk is the end, even when the sandbox claims a larger size.
            if poll.end is not None and (offset >= poll.size or not poll.chunk):
                self._note_truncation(lines, offset)
                return poll.end
            if poll.end is None and poll.silent_seconds > HEARTBEAT_TIMEOUT:
                raise SandboxError("the command's supervisor in the sandbox is gone: it sends no heartbeat")

    def _poll(self, detached: DetachedCommand, offset: int, wait: float) -> PollResult | None:
        """Poll once; None when the run is stopped meanwhile."""
        script = detached.poll_script(offset, wait)
        failure = "the command's output cannot be read"
        try:
            response = self._call(lambda: self.shell(script, wait + RESPONSE_SECONDS), failure)
        except SandboxError:
            if self._is_stopped:
                return None
            raise
        return read_poll(response, offset)

    def _call(self, call: Callable[[], str], failure: str) -> str:
        """Call until it succeeds, the sandbox is known to be gone, or `RETRY_SECONDS` have passed."""
        started = time.monotonic()
        for delay in backoff():
            try:
                return call()
            except SandboxError:
                raise
            except Exception as error:
                problem = service_error(error)
                exhausted = time.monotonic() - started > RETRY_SECONDS
                if problem.kind == "sandbox_gone" and self.is_gone():
                    raise SandboxError("the sandbox vanished in the middle of its work") from error
                can_retry = problem.is_transient or problem.kind in ("sandbox_gone", "command_failed")
                if exhausted or not can_retry or self._wait(delay):
                    raise problem.sandbox_error(failure) from error
        raise AssertionError  # pragma: no cover  the delays never end

    def _end_early(self, detached: DetachedCommand, lines: LineSplitter, offset: int, reason: str) -> CommandEnd:
        """Stop a command and deliver its output until then."""
        self._stop(detached)
        try:
            poll = read_poll(self.shell(detached.poll_script(offset, 0), STOP_SECONDS), offset)
        except Exception:
            return CommandEnd(137, reason, 0.0)
        lines.feed(poll.chunk)
        return CommandEnd(137, reason, poll.end.seconds if poll.end else 0.0)

    def _stop(self, detached: DetachedCommand) -> None:
        """Stop a command where possible; a command that survives ends with the sandbox."""
        with contextlib.suppress(Exception):
            self.shell(detached.stop_script(), STOP_SECONDS)

    def _note_truncation(self, lines: LineSplitter, size: int) -> None:
        if size >= MAX_LOG_BYTES:
            lines.feed(f"\n(the output is longer than {MAX_LOG_BYTES >> 20} MiB: the rest is left out)\n".encode())

    def _wait(self, seconds: float) -> bool:
        """Wait; True when the run is stopped meanwhile."""
        return self.stops[0].wait(seconds)

    @property
    def _is_stopped(self) -> bool:
        return any(stop.is_set() for stop in self.stops)


def _result(end: CommandEnd, command: Command) -> CommandResult:
    if end.reason == NO_DIRECTORY:
        raise SandboxError(f"{command.cwd} is not a directory of the sandbox", "permanent")
    match end.reason:
        case "timeout" | "memory" | "disk" | "stopped":
            return CommandResult(end.exit_code, end.seconds, end.reason)
    return CommandResult(end.exit_code, end.seconds)
