"""The sandbox protocol: the operations and results that every backend provides.

A failed command is a result. A failed sandbox is an exception, `SandboxError`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Protocol

from generator.manifest.values import FetchHosts, Size
from generator.network.endpoints import Endpoint
from generator.network.registries import Registries
from generator.network.rules import RefusedHost

FailureClass = Literal["permanent", "transient", "too_small", "too_slow"]
OnLine = Callable[[str], None]

# Characters. Longer lines are delivered in pieces, so that no output can fill the memory.
MAX_LINE: Final = 16 * 1024


class SandboxError(Exception):
    """A failure of the sandbox itself; `failure_class` says whether a retry in a new sandbox can help."""

    def __init__(self, message: str, failure_class: FailureClass = "transient") -> None:
        super().__init__(message)
        self.failure_class: FailureClass = failure_class


class FileMissing(SandboxError):
    """No regular file exists at the path."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "permanent")


@dataclass(frozen=True)
class Resources:
    """Resource limits of a sandbox; memory in MiB."""

    cpus: int
    memory_mib: int
    processes: int = 4096
    size: Size = "standard"


SIZES: Final[dict[Size, Resources]] = {
    "small": Resources(cpus=2, memory_mib=2_048, size="small"),
    "standard": Resources(cpus=4, memory_mib=4_096, size="standard"),
    "large": Resources(cpus=8, memory_mib=8_192, size="large"),
}


@dataclass(frozen=True)
class Usage:
    """Resources that a sandbox used in its whole life.

    `seconds` is the billed lifetime. The peaks are CPUs in use, bytes of memory and bytes of disk, or None where the
    backend measures nothing. `note` is a message for the user about the end of the sandbox.
    """

    sandbox: str
    resources: Resources
    seconds: float
    peak_cpus: float | None = None
    peak_memory: int | None = None
    peak_disk: int | None = None
    note: str | None = None


@dataclass(frozen=True)
class CommandResult:
    """Result of a command.

    `exit_code` is 128 + N after signal N. `killed` is the reason when the sandbox killed the command: timeout, memory
    limit, disk nearly full, or a stopped run. `peak_memory` is the highest sample of the process tree's resident memory
    in bytes, or 0 without a sample.
    """

    exit_code: int
    seconds: float
    killed: Literal["timeout", "memory", "disk", "stopped"] | None = None
    peak_memory: int = 0


@dataclass(frozen=True)
class Command:
    """Bash script to run in `cwd` for at most `timeout` seconds; `env` is added to the sandbox's own variables."""

    script: str
    cwd: str
    timeout: float
    env: Mapping[str, str] = field(default_factory=dict)


class Sandbox(Protocol):
    """Isolated machine that runs commands one after the other and keeps its files until `kill`."""

    @property
    def root(self) -> str:
        """Directory of the sandbox for sources, build targets, caches and results."""

    def put(self, archive: Path, directory: str) -> None:
        """Upload a tar archive of the host and unpack it into a directory, which is created when missing."""

    def run(self, command: Command, on_line: OnLine) -> CommandResult:
        """Run a command to its end and deliver stdout and stderr line by line, in order."""

    def registries(self) -> Registries:
        """Return the package registries that the sandbox's own tools are configured for."""

    def allow_only(self, setting: FetchHosts, named: frozenset[Endpoint] = frozenset()) -> tuple[str, ...] | None:
        """Restrict the network to the hosts of a setting and return their names, or None for all hosts.

        `auto` in the setting means the registries and the endpoints that the crate's source has `named`.
        """

    def refused_hosts(self) -> tuple[RefusedHost, ...] | None:
        """Return the hosts that commands requested and the network rules refused; None if they are not known."""

    def unreachable_hosts(self) -> tuple[str, ...]:
        """Return a sentence for each host that commands could not be connected to, where the backend knows them."""

    def close_network(self) -> None:
        """Close the network for all later commands."""

    def get(self, path: str, destination: Path, max_bytes: int) -> None:
        """Download one regular file; SandboxError when it is missing, of another kind or larger."""

    def kill(self, keep: bool = False) -> Usage:
        """Kill all processes, delete the sandbox and return its usage; safe to call twice.

        With `keep`, the sandbox is kept for debugging where the backend can.
        """


class Backend(Protocol):
    """Provider of sandboxes."""

    @property
    def name(self) -> Literal["local", "e2b"]:
        """Name of the backend in options and reports."""

    def open(self, crate: str, resources: Resources, env: Mapping[str, str], attempt: int = 1) -> Sandbox:
        """Start a sandbox with an open network; `env` applies to all its commands."""
