"""Schedules that GitHub accepts: https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows#schedule."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

_FIELDS: Final = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 6))
_PART: Final = re.compile(r"(?:\*|(?P<first>\d{1,2})(?:-(?P<last>\d{1,2}))?)(?:/(?P<step>\d{1,2}))?")
# Minutes between two runs.
MIN_INTERVAL: Final = 5


def schedule_error(cron: str) -> str | None:
    """Return the error of a schedule with five fields, or None."""
    for field, (name, lowest, highest) in zip(cron.split(), _FIELDS, strict=True):
        if _values(field, lowest, highest) is None:
            return f"its {name} {field} is invalid: use numbers from {lowest} to {highest}, ranges, * and steps"
    minutes = sorted(_values(cron.split(maxsplit=1)[0], 0, 59) or ())
    if any(after - before < MIN_INTERVAL for before, after in pairwise([*minutes, minutes[0] + 60])):
        return f"it runs more often than every {MIN_INTERVAL} minutes"
    return None


def _values(field: str, lowest: int, highest: int) -> frozenset[int] | None:
    """Return the numbers that a field matches, or None for an invalid field."""
    found: set[int] = set()
    for part in field.split(","):
        read = _PART.fullmatch(part)
        if read is None or read["step"] in {"0", "00"}:
            return None
        first = int(read["first"] or lowest)
        last = int(read["last"] or (highest if read["step"] or not read["first"] else first))
        if not lowest <= first <= last <= highest:
            return None
        found.update(range(first, last + 1, int(read["step"] or 1)))
    return frozenset(found)
