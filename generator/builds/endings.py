"""How a crate's way through its phases ends early."""

from __future__ import annotations

from generator.reports.models import Failure, PhaseName
from generator.sandboxes.sandbox import SandboxError


class Failed(Exception):
    """A phase failed; carries why, and how many seconds a service asked to be left alone."""

    def __init__(self, failure: Failure, retry_after: float | None = None) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.retry_after = retry_after


class Stopped(Exception):
    """The run was stopped in the middle of a crate."""


def failed_sandbox(error: SandboxError, phase: PhaseName) -> Failed:
    """Return the failure of a crate whose sandbox failed."""
    return Failed(Failure(failure_class=error.failure_class, phase=phase, message=str(error)), error.retry_after)
