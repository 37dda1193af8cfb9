"""Errors a user can act on, each with the exit code that scripts branch on.

    CratematrixError           1
    ├── BuildFailed            1   a crate did not build
    ├── Incomplete             1   a release is not what the manifest promises
    ├── InputError             2   the manifest, an option or the repository is wrong
    ├── Stale                  3   generated files are not what the manifest would generate
    ├── Unavailable            4   sandboxes or GitHub cannot be reached; worth retrying
    └── Interrupted          130   SIGINT or SIGTERM

Anything else that escapes is a bug. `Unbuildable` never escapes: it ends one crate and is told in the report.
"""

from __future__ import annotations

from typing import ClassVar


class CratematrixError(Exception):
    """An expected error: one sentence, and the command that fixes it where there is one.

    `problems` holds further lines to show before the sentence, for errors that are many at once.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, fix: str | None = None, problems: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.problems = problems

    @property
    def message_with_fix(self) -> str:
        """The sentence and the command that fixes it on one line, for a report."""
        return f"{self.message}: {self.fix}" if self.fix else self.message


class BuildFailed(CratematrixError):
    """At least one crate did not build."""


class Incomplete(CratematrixError):
    """A release lacks something, or has what nothing promises."""


class InputError(CratematrixError):
    """What the user gave cannot be used."""

    exit_code = 2


class Stale(CratematrixError):
    """Generated files differ from what the manifest would generate."""

    exit_code = 3


class Unavailable(CratematrixError):
    """A sandbox or a service could not be had."""

    exit_code = 4


class Interrupted(CratematrixError):
    """The user or the CI stopped the run."""

    exit_code = 130


class Unbuildable(Exception):
    """One crate cannot be built as the manifest says: a permanent failure of that crate, in one sentence."""
