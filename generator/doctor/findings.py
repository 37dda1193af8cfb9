"""The result of a doctor's check, its lines for a terminal, and the verdict on all results."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from generator.errors import CratematrixError, InputError, Unavailable
from generator.text import counted

State = Literal["ok", "note", "missing", "unknown"]
WIDTH: Final = 80
# Widths of the columns before the message.
CHECK: Final = 16
STATE: Final = 7


@dataclass(frozen=True)
class Finding:
    """The result of one check: its state, one sentence, and the command or the words that fix it, if any."""

    check: str
    state: State
    message: str
    fix: str | None = None


def lines(finding: Finding) -> Iterator[str]:
    """Yield a finding's lines, none of which is wider than a terminal if a line can be divided at a space."""
    first = f"{finding.check:{CHECK}}  {finding.state:{STATE}}  {finding.message}"
    indent = " " * (CHECK + STATE + 4)
    yield from _wrapped(first, indent)
    if finding.fix:
        yield from _wrapped(f"{indent}fix: {finding.fix}", f"{indent}  ")


def failed_finding(check: str, error: CratematrixError) -> Finding:
    """Return the finding of a check that ended with an error: unknown when a later try may succeed."""
    state: State = "unknown" if isinstance(error, Unavailable) else "missing"
    return Finding(check, state, "; ".join((*error.problems, error.message)), error.fix)


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


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        subsequent_indent=indent,
        replace_whitespace=False,
        drop_whitespace=True,
        break_long_words=False,
        break_on_hyphens=False,
    )
