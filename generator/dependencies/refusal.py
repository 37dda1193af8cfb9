"""Why a dependency is not fetched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generator.text import counted, shown

# Characters of a name or an address that a message shows.
MAX_SHOWN = 200


@dataclass(frozen=True)
class Refusal:
    """One sentence with what to do, and the file and line that it is about, from the source's top."""

    file: str
    line: int | None
    message: str


class InvalidJson(Exception):
    """A file that npm would try to read all the same, and that nothing can be said of."""


def line_of(text: str, *words: str) -> int | None:
    """Return the first line that holds the last of some JSON strings after all before it; None where none does."""
    at = 0
    for word in words:
        at = text.find(json.dumps(word, ensure_ascii=False), at)
        if at < 0:
            return None
    return text.count("\n", 0, at) + 1


def parse_object(text: str) -> Mapping[str, Any]:
    """Return a JSON object; NotJson for anything else."""
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidJson from None
    if not isinstance(data, dict):
        raise InvalidJson
    return data


def quoted(text: str) -> str:
    """What a stranger wrote, safe in one line."""
    plain = shown(text)
    return f'"{plain[:MAX_SHOWN]}{"..." if len(plain) > MAX_SHOWN else ""}"'


def summary(refusals: list[Refusal]) -> str:
    """The first refusal's sentence, and how many others there are."""
    more = len(refusals) - 1
    return refusals[0].message + (f" (and {counted(more, 'other dependency')} like it)" if more else "")
