"""Failures of a crate's build: the exceptions that end an attempt, and the class of a failed command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from generator.builds.diagnostics import Diagnostic, Diagnostics
from generator.network.hosts import refused_host
from generator.network.rules import RefusedHost
from generator.platforms import PlatformName
from generator.reports.models import Failure, PhaseName
from generator.sandboxes.contract import CommandResult, FailureClass, SandboxError

# Exit codes of a shell: 128 and the signal's number, and that for a command that does not exist.
SIGKILL_EXIT: Final = 137
NOT_FOUND_EXIT: Final = 127

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
    """A step of an attempt failed; `failure` is for the report. `is_unreachable`: no connection could be made."""

    def __init__(self, failure: Failure, *, is_unreachable: bool = False) -> None:
        super().__init__(failure.message)
        self.failure, self.is_unreachable = failure, is_unreachable

    def for_platform(self, platform: PlatformName) -> StepFailed:
        """Return the same failure with the platform in its message."""
        message = f"{platform}: {self.failure.message}"
        return StepFailed(self.failure.model_copy(update={"message": message}))


class RunStopped(Exception):
    """The run was stopped during a crate's build."""


def permanent_failure(phase: PhaseName, message: str) -> StepFailed:
    """Return a failure that another attempt cannot fix."""
    return StepFailed(Failure(failure_class="permanent", phase=phase, message=message))


def built_for_none(reasons: Mapping[PlatformName, str]) -> str:
    """Return the message of a crate that can be built for none of its platforms; `reasons` has one for each."""
    platforms: dict[str, list[str]] = {}
    for platform, reason in reasons.items():
        platforms.setdefault(reason, []).append(platform)
    why = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in platforms.items())
    return f'nothing was built ({why}); if that is no failure, set "may_be_skipped" to true'


def sandbox_failure(error: SandboxError, phase: PhaseName) -> StepFailed:
    """Return the failure of an attempt whose sandbox failed."""
    return StepFailed(Failure(failure_class=error.failure_class, phase=phase, message=str(error)))


@dataclass(frozen=True)
class FetchAccess:
    """The hosts that a fetch could reach.

    `allowed` are their names, None for all hosts. `refused` are hosts that were requested and not allowed, None if the
    sandbox does not know them. `unreachable` has a sentence for each host to which no connection could be made. Without
    `registries_known` the list of registries may be incomplete.
    """

    allowed: tuple[str, ...] | None
    refused: tuple[RefusedHost, ...] | None = None
    unreachable: tuple[str, ...] = ()
    registries_known: bool = True

    def missing_host(self, output: Diagnostics) -> RefusedHost | None:
        """Return the host that a failed fetch needed: the last refused one or, if none is known, by its last lines."""
        if self.refused is not None:
            return self.refused[-1] if self.refused else None
        host = None if self.allowed is None else refused_host(output.last, self.allowed)
        return RefusedHost(host) if host else None


def failure_of(
    phase: PhaseName,
    result: CommandResult,
    output: Diagnostics,
    timeout_minutes: float,
    access: FetchAccess | None = None,
    *,
    network_closes: bool = False,
) -> Failure:
    """Classify a failed command, with a message of one sentence.

    `access` is None for an unrestricted network. With `network_closes` there is none after the fetch step.
    """
    failure_class, reason = _class_of(phase, result, output, timeout_minutes)
    if phase == "fetch" and access is not None and (host := access.missing_host(output)):
        failure_class = "permanent" if access.registries_known else "transient"
        reason = f"{PHASE_ACTIONS[phase]} needs {host.sentence}"
    elif phase == "fetch" and access is not None and access.unreachable and not result.killed:
        failure_class, reason = "transient", f"{PHASE_ACTIONS[phase]} failed: {access.unreachable[-1]}"
    found = Diagnostic(reason) if reason else _diagnostic(phase, result, output)
    message = found.message if found else f"{PHASE_ACTIONS[phase]} failed with exit code {result.exit_code}"
    if network_closes and phase != "fetch" and not reason and output.no_connection:
        message += f"; it asked for {output.no_connection}, and the network is closed after dependencies are fetched"
    return Failure(
        failure_class=failure_class,
        phase=phase,
        message=message,
        file=found.file if found else None,
        line=found.line if found else None,
        exit_code=result.exit_code,
    )


def _class_of(
    phase: PhaseName, result: CommandResult, output: Diagnostics, timeout_minutes: float
) -> tuple[FailureClass, str | None]:
    """Return the failure's class, and a message unless the command's own is better.

    The class comes from the end of the command. Output counts only while dependencies are fetched: until then no code
    of the crate runs, so nobody but the tools prints.
    """
    if result.killed == "timeout":
        minutes = "1 minute" if timeout_minutes == 1 else f"{timeout_minutes:g} minutes"
        return "too_slow", f"{PHASE_ACTIONS[phase]} took longer than {minutes}: raise timeout_minutes"
    if result.killed == "memory":
        return "too_small", f"{PHASE_ACTIONS[phase]} needed more memory than the sandbox has: choose a larger size"
    if result.killed == "disk":
        return "too_small", f"{PHASE_ACTIONS[phase]} filled the disk"
    if result.exit_code == SIGKILL_EXIT:
        return "too_small", f"{PHASE_ACTIONS[phase]} was killed for memory: choose a larger size"
    if phase == "fetch" and output.has_network_error:
        return "transient", None
    return "permanent", None


def _diagnostic(phase: PhaseName, result: CommandResult, output: Diagnostics) -> Diagnostic | None:
    """Return the tool's own error; a test that does not compile is a compiler error."""
    if result.exit_code == NOT_FOUND_EXIT and output.missing_command:
        return Diagnostic(f"{PHASE_ACTIONS[phase]} needs the command {output.missing_command}, which is not installed")
    if phase == "test":
        return output.test_failure() or output.compiler_error()
    return output.compiler_error()
