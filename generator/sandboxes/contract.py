"""What every backend's sandbox can do.

A command that fails is a result; a sandbox that fails is an exception, a `SandboxError`.
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

# Lines longer than this are delivered in pieces, so that no output can fill the memory.
MAX_LINE: Final = 16 * 1024


class SandboxError(Exception):
    """The sandbox itself failed, not a command in it; `failure_class` says whether a fresh one may do better."""

    def __init__(self, message: str, failure_class: FailureClass = "transient") -> None:
        super().__init__(message)
        self.failure_class: FailureClass = failure_class


class FileMissing(SandboxError):
    """There is no regular file at the path."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "permanent")


@dataclass(frozen=True)
class Resources:
    """What a sandbox of a size class may use; memory in MiB."""

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
    """What a sandbox used in its life.

    `seconds` is how long it existed, which is what is billed. The peaks are of the whole sandbox: processors in use,
    bytes of memory, bytes of disk; None where nothing was measured. `note` is what a person must know of its end.
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
    """How a command ended.

    `exit_code` is 128 + N after signal N. `killed` says that the sandbox ended it: its time was over, its process
    tree outgrew the memory, the disk was nearly full, or the run was stopped. `peak_memory` is the tree's resident
    memory in bytes at its highest sample, 0 where it was never sampled.
    """

    exit_code: int
    seconds: float
    killed: Literal["timeout", "memory", "disk", "stopped"] | None = None
    peak_memory: int = 0


@dataclass(frozen=True)
class Command:
    """A bash script to run in `cwd`, with variables beside the sandbox's own, for at most `timeout` seconds."""

    script: str
    cwd: str
    timeout: float
    env: Mapping[str, str] = field(default_factory=dict)


class Sandbox(Protocol):
    """An isolated machine whose files outlive its commands, until it is killed."""

    @property
    def root(self) -> str:
        """The one directory that is its own: sources, targets, caches and results lie below it."""

    def put(self, archive: Path, directory: str) -> None:
        """Unpack a tar archive of the host into a directory of the sandbox, made where it is missing."""

    def run(self, command: Command, on_line: OnLine) -> CommandResult:
        """Run a command to its end and deliver its output, both streams in order, line by line."""

    def registries(self) -> Registries:
        """Say where its tools get packages from, by their own configuration and not by a source's."""

    def allow_only(self, setting: FetchHosts, named: frozenset[Endpoint] = frozenset()) -> tuple[str, ...] | None:
        """Until `close_network`, reach only what the setting allows: the hosts' names, None where all are reached.

        `auto` in it stands for the registries and for what the source has `named`.
        """

    def refused_hosts(self) -> tuple[RefusedHost, ...]:
        """Hosts that were asked for and not reached, as far as the sandbox knows them."""

    def close_network(self) -> None:
        """From here on, no command reaches anything outside."""

    def get(self, path: str, destination: Path, max_bytes: int) -> None:
        """Copy one regular file out; SandboxError when it is missing, not a regular file or larger."""

    def kill(self, keep: bool = False) -> Usage:
        """End everything in it, remove it and say what it used; safe to call twice.

        `keep` leaves it for somebody to look inside, where the backend can.
        """


class Backend(Protocol):
    """Where sandboxes come from."""

    @property
    def name(self) -> Literal["local", "e2b"]:
        """The word used in options and reports."""

    def open(self, crate: str, resources: Resources, env: Mapping[str, str], attempt: int = 1) -> Sandbox:
        """Start a sandbox that reaches the Internet; `env` holds for all its commands."""
