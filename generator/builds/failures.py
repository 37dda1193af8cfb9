"""Failures of a crate's build: the exceptions that end an attempt, and the class of a failed command."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from generator.builds.diagnostics import Diagnostic, Diagnostics
from generator.network.hosts import refused_host
from generator.network.rules import RefusedHost
from generator.platforms import PlatformName
from generator.reports.models import Failure, PhaseName
from generator.sandboxes.contract import CommandResult, FailureClass, SandboxError

# Messages of cargo, npm and git about a failed network; a package that does not exist is another failure.
_NETWORK: Final = re.compile(
    r"spurious network error|failed to download|download of .* failed|[Cc]ould ?n.t resolve host|[Tt]imed? ?out"
    r"|[Tt]imeout was reached|[Cc]onnection (reset|refused|closed|timed)|HTTP/?\S* (5\d\d|429)|got (5\d\d|429)"
    r"|SSL connect|unexpected EOF|early EOF|ECONNRESET|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|E5\d\d|E429"
    r"|network is unreachable|tunnel failed, response (5\d\d|429)"
)
_MEMORY: Final = re.compile(
    r"signal: 9, SIGKILL|\(signal: 9|out of memory|memory allocation of \d+ bytes failed|Cannot allocate memory|Killed$"
)
_DISK: Final = re.compile(r"No space left on device|ENOSPC|os error 28|File too large|os error 27")
SIGKILL_EXIT: Final = 137

PHASE_ACTIONS: Final[dict[PhaseName, str]] = {
    "source": "collecting the source",
    "open": "opening the sandbox",
    "fetch": "fetching dependencies",
    "compile": "compiling",
    "test": "running the tests",
    "collect": "collecting what was built",
    "audit": "auditing what was built",
    "pack": "packing",
    "load": "installing and loading the package",
}


class StepFailed(Exception):
    """A step of an attempt failed; `failure` is for the report."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure

    def for_platform(self, platform: PlatformName) -> StepFailed:
        """Return the same failure with the platform in its message."""
        message = f"{platform}: {self.failure.message}"
        return StepFailed(self.failure.model_copy(update={"message": message}))


class RunStopped(Exception):
    """The run was stopped during a crate's build."""


def permanent_failure(phase: PhaseName, message: str) -> StepFailed:
    """Return a failure that another attempt cannot fix."""
    return StepFailed(Failure(failure_class="permanent", phase=phase, message=message))


def sandbox_failure(error: SandboxError, phase: PhaseName) -> StepFailed:
    """Return the failure of an attempt whose sandbox failed."""
    return StepFailed(Failure(failure_class=error.failure_class, phase=phase, message=str(error)))


@dataclass(frozen=True)
class FetchAccess:
    """The hosts that a fetch could reach.

    `allowed` are their names, None for all hosts. `refused` are hosts that were requested and not allowed, as far as
    the sandbox knows them. Without `registries_known` the list of registries may be incomplete.
    """

    allowed: tuple[str, ...] | None
    refused: tuple[RefusedHost, ...] = ()
    registries_known: bool = True

    def missing_host(self, output: Diagnostics) -> RefusedHost | None:
        """Return the host that a failed fetch needed, by the refused ones or else by its last lines."""
        if self.refused:
            return self.refused[-1]
        host = None if self.allowed is None else refused_host(output.last, self.allowed)
        return RefusedHost(host) if host else None


def failure_of(
    phase: PhaseName,
    result: CommandResult,
    output: Diagnostics,
    timeout_minutes: float,
    access: FetchAccess | None = None,
) -> Failure:
    """Classify a failed command, with a message of one sentence; `access` is None for an unrestricted network."""
    failure_class, reason = _class_of(phase, result, output, timeout_minutes)
    if phase == "fetch" and access is not None and (host := access.missing_host(output)):
        failure_class = "permanent" if access.registries_known else "transient"
        reason = f"{PHASE_ACTIONS[phase]} needs {host.sentence}"
    found = Diagnostic(reason) if reason else _diagnostic(phase, output)
    return Failure(
        failure_class=failure_class,
        phase=phase,
        message=found.message if found else f"{PHASE_ACTIONS[phase]} failed with exit code {result.exit_code}",
        file=found.file if found else None,
        line=found.line if found else None,
        exit_code=result.exit_code,
    )


def _class_of(
    phase: PhaseName, result: CommandResult, output: Diagnostics, timeout_minutes: float
) -> tuple[FailureClass, str | None]:
    """Return the failure's class, and a message unless the command's own is better."""
    last = "\n".join(output.last)
    if result.killed == "timeout":
        minutes = "1 minute" if timeout_minutes == 1 else f"{timeout_minutes:g} minutes"
        return "too_slow", f"{PHASE_ACTIONS[phase]} took longer than {minutes}: raise timeout_minutes"
    if result.killed == "memory":
        return "too_small", f"{PHASE_ACTIONS[phase]} needed more memory than the sandbox has: choose a larger size"
    if result.killed == "disk" or _DISK.search(last):
        return "too_small", f"{PHASE_ACTIONS[phase]} filled the disk"
    if result.exit_code == SIGKILL_EXIT or _MEMORY.search(last):
        return "too_small", f"{PHASE_ACTIONS[phase]} was killed for memory: choose a larger size"
    if phase == "fetch" and _NETWORK.search(last):
        return "transient", None
    return "permanent", None


def _diagnostic(phase: PhaseName, output: Diagnostics) -> Diagnostic | None:
    """Return the tool's own error; a test that does not compile is a compiler error."""
    if phase == "test":
        return output.test_failure() or output.compiler_error()
    return output.compiler_error()
