"""How a crate's way through its phases ends early."""

from __future__ import annotations

from generator.platforms import PlatformName
from generator.reports.models import Failure, PhaseName
from generator.sandboxes.contract import SandboxError


class StepFailed(Exception):
    """A phase failed; carries why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure

    def on(self, platform: PlatformName) -> StepFailed:
        """Return the same failure, saying for which platform it was."""
        message = f"{platform}: {self.failure.message}"
        return StepFailed(self.failure.model_copy(update={"message": message}))


class RunStopped(Exception):
    """The run was stopped in the middle of a crate."""


def sandbox_failure(error: SandboxError, phase: PhaseName) -> StepFailed:
    """Return the failure of a crate whose sandbox failed."""
    return StepFailed(Failure(failure_class=error.failure_class, phase=phase, message=str(error)))


def permanent_failure(phase: PhaseName, message: str) -> StepFailed:
    """Return the failure of a crate that trying again would not mend."""
    return StepFailed(Failure(failure_class="permanent", phase=phase, message=message))
