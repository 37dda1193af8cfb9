"""How a crate's way through its phases ends early."""

from __future__ import annotations

from generator.platforms import PlatformName
from generator.reports.models import Failure, PhaseName
from generator.sandboxes.sandbox import SandboxError


class Failed(Exception):
    """A phase failed; carries why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure

    def on(self, platform: PlatformName) -> Failed:
        """Return the same failure, saying for which platform it was."""
        message = f"{platform}: {self.failure.message}"
        return Failed(self.failure.model_copy(update={"message": message}))


class Stopped(Exception):
    """The run was stopped in the middle of a crate."""


def failed_sandbox(error: SandboxError, phase: PhaseName) -> Failed:
    """Return the failure of a crate whose sandbox failed."""
    return Failed(Failure(failure_class=error.failure_class, phase=phase, message=str(error)))


def permanent(phase: PhaseName, message: str) -> Failed:
    """Return the failure of a crate that trying again would not mend."""
    return Failed(Failure(failure_class="permanent", phase=phase, message=message))
