"""The result of a doctor's check, and the verdict on all results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from generator.errors import CratematrixError, InputError, Unavailable
from generator.text import counted

State = Literal["ok", "note", "missing", "unknown"]
COLUMNS: Final = ("check", "state", "message")


@dataclass(frozen=True)
class Finding:
    """The result of one check: its state, and a message with the fix where one is needed."""

    check: str
    state: State
    message: str


def failed_finding(check: str, error: CratematrixError) -> Finding:
    """Return the finding of a check that ended with an error: unknown when a later try may succeed."""
    return Finding(check, "unknown" if isinstance(error, Unavailable) else "missing", error.message_with_fix)


def verdict(findings: Sequence[Finding]) -> CratematrixError | None:
    """Return InputError if something is missing, Unavailable if something is unknown, else None."""
    missing = [finding for finding in findings if finding.state == "missing"]
    unknown = [finding for finding in findings if finding.state == "unknown"]
    if missing:
        return InputError(f"{len(missing)} of {counted(len(findings), 'check')} failed: see above")
    if unknown:
        message = f"{len(unknown)} of {counted(len(findings), 'check')} could not be made"
        return Unavailable(message, fix="try again later")
    return None
