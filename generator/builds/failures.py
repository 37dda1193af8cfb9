"""Which of the four classes a failure is: pure functions of what a command printed and how it ended."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from generator.builds.diagnostics import Diagnostic, Diagnostics
from generator.network.hosts import refused_host
from generator.network.rules import RefusedHost
from generator.reports.models import Failure, PhaseName
from generator.sandboxes.contract import CommandResult, FailureClass

# cargo's, npm's and git's own words for a network that failed, not for a package that does not exist.
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


@dataclass(frozen=True)
class FetchAccess:
    """What could be reached while dependencies were fetched.

    `allowed` are hosts by name, None for all, and `refused` those that were asked for in vain, where that is known.
    `known` says whether the registries could be asked for their hosts; without that a host may be missing by chance.
    """

    allowed: tuple[str, ...] | None
    refused: tuple[RefusedHost, ...] = ()
    registries_known: bool = True

    def missing_host(self, said: Diagnostics) -> RefusedHost | None:
        """Return the host that a failed fetch could not do without, by what was refused or by its last lines."""
        if self.refused:
            return self.refused[-1]
        host = None if self.allowed is None else refused_host(said.last, self.allowed)
        return RefusedHost(host) if host else None


def failure_of(
    phase: PhaseName,
    finished: CommandResult,
    said: Diagnostics,
    timeout_minutes: float,
    reach: FetchAccess | None = None,
) -> Failure:
    """Say why a command that did not exit with 0 failed, in one sentence, and whether trying again may help.

    `reach` is what could be reached meanwhile, None for all.
    """
    failure_class, reason = _class_of(phase, finished, said, timeout_minutes)
    if phase == "fetch" and reach is not None and (missed := reach.missing_host(said)):
        failure_class = "permanent" if reach.registries_known else "transient"
        reason = f"{PHASE_ACTIONS[phase]} needs {missed.sentence}"
    found = Diagnostic(reason) if reason else _named(phase, said)
    return Failure(
        failure_class=failure_class,
        phase=phase,
        message=found.message if found else f"{PHASE_ACTIONS[phase]} failed with exit code {finished.exit_code}",
        file=found.file if found else None,
        line=found.line if found else None,
        exit_code=finished.exit_code,
    )


def _class_of(
    phase: PhaseName, finished: CommandResult, said: Diagnostics, timeout_minutes: float
) -> tuple[FailureClass, str | None]:
    last = "\n".join(said.last)
    if finished.killed == "timeout":
        minutes = "1 minute" if timeout_minutes == 1 else f"{timeout_minutes:g} minutes"
        return "too_slow", f"{PHASE_ACTIONS[phase]} took longer than {minutes}: raise timeout_minutes"
    if finished.killed == "memory":
        return "too_small", f"{PHASE_ACTIONS[phase]} needed more memory than the sandbox has: choose a larger size"
    if finished.killed == "disk" or _DISK.search(last):
        return "too_small", f"{PHASE_ACTIONS[phase]} filled the disk"
    if finished.exit_code == SIGKILL_EXIT or _MEMORY.search(last):
        return "too_small", f"{PHASE_ACTIONS[phase]} was killed for memory: choose a larger size"
    if phase == "fetch" and _NETWORK.search(last):
        return "transient", None
    return "permanent", None


def _named(phase: PhaseName, said: Diagnostics) -> Diagnostic | None:
    """Return the tool's own words; a test that does not compile is a compiler's error, not a failing test."""
    if phase == "test":
        return said.test_failure() or said.compiler_error()
    return said.compiler_error()
