"""What GitHub's runner reads in a job's log: groups, annotations and masks, as pure text.

Escapes are those of https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts: without them a crate's
own words could begin a command of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

# GitHub cuts a longer one (ExecutionContext.cs of actions/runner).
MAX_MESSAGE: Final = 4_000
# Of each level for one step: https://github.com/actions/toolkit/blob/main/docs/problem-matchers.md
MAX_ANNOTATIONS: Final = 10

GROUP_END: Final = "::endgroup::"


@dataclass(frozen=True)
class Annotation:
    """A remark that GitHub shows on the run's page, and on the line of a file of the repository where it names one."""

    level: Literal["error", "warning", "notice"]
    title: str
    message: str
    file: str | None = None
    line: int | None = None

    @property
    def command(self) -> str:
        """The line that makes it."""
        given = {"file": self.file, "line": self.line if self.file else None, "title": self.title}
        properties = ",".join(f"{key}={_property(str(value))}" for key, value in given.items() if value is not None)
        return f"::{self.level} {properties}::{_data(self.message[:MAX_MESSAGE])}"


def group(title: str) -> str:
    """Return the line that starts a group, which the reader of a log can open and close."""
    return f"::group::{_data(title)}"


def mask(secret: str, shortest: int) -> list[str]:
    """Return the lines that keep a secret out of the log; the runner looks for single lines only.

    It masks them anywhere, and drops outputs of a job that hold one. So lines of less than `shortest` characters are
    not told: with "1" or "{" the log would be unreadable, and every output with one of them lost.
    """
    return [f"::add-mask::{_data(line)}" for line in secret.splitlines() if len(line.strip()) >= shortest]


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
