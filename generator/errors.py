"""Errors that a user can act on, each with its exit code. Any other exception is a bug.

`Unbuildable` ends the build of one crate, and the report has its message.
"""

from __future__ import annotations

import os
from typing import ClassVar

# The errors and their exit codes:
#
# CratematrixError           1
# ├── BuildFailed            1   a crate did not build
# ├── Incomplete             1   a release lacks an expected asset, or has another one
# ├── InputError             2   the manifest, an option or the repository is wrong
# ├── Stale                  3   generated files differ from what the manifest generates
# ├── Unavailable            4   E2B, GitHub or bubblewrap is unavailable; a later try may succeed
# │   └── Unreachable        4   no connection to a host can be made
# └── Interrupted          130   SIGINT or SIGTERM


class CratematrixError(Exception):
    """An expected error: one sentence, and the command that fixes it, if any.

    `problems` are further lines, printed before the sentence.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, fix: str | None = None, problems: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.problems = problems

    @property
    def message_with_fix(self) -> str:
        """The sentence and its fix on one line, for a report."""
        return f"{self.message}: {self.fix}" if self.fix else self.message


class BuildFailed(CratematrixError):
    """At least one crate did not build."""


class Incomplete(CratematrixError):
    """A release lacks an expected asset, or has an unexpected one."""


class InputError(CratematrixError):
    """The manifest, an option or the repository is wrong."""

    exit_code = 2


class Stale(CratematrixError):
    """Generated files differ from what the manifest generates."""

    exit_code = 3


class Unavailable(CratematrixError):
    """A sandbox or a service is unavailable."""

    exit_code = 4


class Unreachable(Unavailable):
    """No connection can be made: the name is unknown, or nobody listens. This rarely changes within seconds."""


class Interrupted(CratematrixError):
    """The user or the CI stopped the run."""

    exit_code = 130


class Unbuildable(Exception):
    """A permanent failure of one crate: it cannot be built with its settings in the manifest."""


def system_reason(error: OSError) -> str:
    """Return why a connection could not be made, in the system's words and without its number."""
    if error.errno and str(error.strerror).startswith("Connect call failed"):  # asyncio's own words
        return os.strerror(error.errno)
    return error.strerror or str(error) or type(error).__name__
