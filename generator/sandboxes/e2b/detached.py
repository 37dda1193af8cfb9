"""Scripts for commands that outlive the connection that started them, and the parser of their output.

A supervisor in the sandbox runs the command and keeps its output in a file. The runner polls for the output by offset,
so a broken connection costs one poll and no output.
"""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from generator.sandboxes.contract import Command, SandboxError
from generator.scripts import script, with_arguments

# The supervisor drops output beyond this, so that it cannot fill the disk.
MAX_LOG_BYTES: Final = 256 * 1024 * 1024
MAX_CHUNK_BYTES: Final = 1024 * 1024
# The supervisor's reason when the working directory does not exist.
NO_DIRECTORY: Final = "no-directory"
# First line of poll.sh, in numbers that fit into a float and into C's int.
_HEAD: Final = re.compile(
    r"(\d{1,15}) (-?\d{1,15}) (\d{1,15}) (?:running|(-?\d{1,9}) ([a-z-]{1,20}) (-?\d{1,15}))", re.ASCII
)


@dataclass(frozen=True)
class DetachedCommand:
    """A command, by the directory of its files in the sandbox."""

    directory: str

    def start_script(self, command: Command, env: Mapping[str, str]) -> str:
        """Return the script that starts the command, unless an earlier try did and its reply was lost.

        HOME and PATH of `env` are in the script. The call passes the others: every process of the sandbox can read
        arguments, so no secret may be one.
        """
        limit = str(max(1, int(command.timeout * 1_000_000)))
        names = " ".join(name for name in env if name not in ("HOME", "PATH"))
        own_variables = (env["HOME"], env["PATH"], names)
        arguments = (self.directory, command.cwd, limit, *own_variables, command.script, str(MAX_LOG_BYTES))
        supervisor = script("supervisor.sh")
        supervise = shlex.join(("bash", "--norc", "--noprofile", "-c", supervisor, "supervisor", *arguments))
        own = shlex.quote(self.directory)
        return (
            f'mkdir -p -- "$(dirname {own})" && if mkdir -- {own} 2> /dev/null; '
            f"then setsid --fork {supervise} < /dev/null > /dev/null 2>&1; else [ -d {own} ]; fi"
        )

    def poll_script(self, offset: int, wait: float) -> str:
        """Return the script that prints the output beyond `offset`. It waits at most `wait` seconds for news."""
        microseconds = str(int(wait * 1_000_000))
        return with_arguments("poll.sh", self.directory, str(offset), microseconds, str(MAX_CHUNK_BYTES))

    def stop_script(self) -> str:
        """Return the script that ends the command and waits up to 2 seconds for its end."""
        own = shlex.quote(self.directory)
        return f": > {own}/stop; for _ in {{1..40}}; do [ -e {own}/end ] && break; sleep 0.05; done"


@dataclass(frozen=True)
class CommandEnd:
    """The end of a command: its exit code, the reason ("-" when it ended by itself) and the time in seconds."""

    exit_code: int
    reason: str
    seconds: float


@dataclass(frozen=True)
class PollResult:
    """One poll: output from the given offset, the whole size in bytes so far, and the end, or None while it runs.

    `silent_seconds` have passed since the supervisor's last sign of life.
    """

    chunk: bytes
    size: int
    silent_seconds: int
    end: CommandEnd | None


def read_poll(output: str, offset: int) -> PollResult:
    """Parse the output of poll.sh; SandboxError for anything else, because a hostile crate may have changed it."""
    first, _, rest = output.partition("\n")
    head, chunk = _HEAD.fullmatch(first), _decoded(rest)
    if head is None or chunk is None:
        raise SandboxError("the sandbox gave no usable answer about its command")
    at, silent, size, code, reason, microseconds = head.groups()
    if int(at) != offset or len(chunk) > MAX_CHUNK_BYTES:
        raise SandboxError("the sandbox gave output of another offset or size than the runner asked for")
    end = CommandEnd(int(code), reason, int(microseconds) / 1_000_000) if reason else None
    return PollResult(chunk, int(size), int(silent), end)


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except ValueError:
        return None
