"""Workflow commands in a job's log: groups, annotations and masks, as text.

The escapes are those of https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts. Without them,
untrusted text could contain another command.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

# Characters; GitHub cuts a longer message (ExecutionContext.cs of actions/runner).
MAX_MESSAGE: Final = 4_000
# Per level and step: https://github.com/actions/toolkit/blob/main/docs/problem-matchers.md
MAX_ANNOTATIONS: Final = 10

GROUP_END: Final = "::endgroup::"


@dataclass(frozen=True)
class Annotation:
    """A message that GitHub shows on the run's page, and at a line of a file, if it has one."""

    level: Literal["error", "warning", "notice"]
    title: str
    message: str
    file: str | None = None
    line: int | None = None

    @property
    def command(self) -> str:
        """The annotation as a workflow command."""
        values = {"file": self.file, "line": self.line if self.file else None, "title": self.title}
        properties = ",".join(f"{key}={_property(str(value))}" for key, value in values.items() if value is not None)
        return f"::{self.level} {properties}::{_data(self.message[:MAX_MESSAGE])}"


def group(title: str) -> str:
    """Return the command that starts a foldable group of the log."""
    return f"::group::{_data(title)}"


def mask(secret: str, shortest: int) -> list[str]:
    """Return the commands that mask a secret in the log, one for each line of the secret.

    The runner masks each line anywhere, and drops job outputs that contain one. Lines shorter than `shortest`
    characters are left out: a mask of "1" or "{" would make the log unreadable and lose most outputs.
    """
    return [f"::add-mask::{_data(line)}" for line in secret.splitlines() if len(line.strip()) >= shortest]


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
