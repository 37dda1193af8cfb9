"""Refused dependencies: their messages, and their places in JSON files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generator.text import counted, message_text


@dataclass(frozen=True)
class Refusal:
    """One sentence with a fix, and the file, from the source's top, and line that it is about."""

    file: str
    line: int | None
    message: str


class InvalidJson(Exception):
    """A file that is no JSON object. npm might read it all the same."""


def line_of(text: str, *words: str) -> int | None:
    """Return the line of the last of some JSON strings that follow each other in the text, or None."""
    at = 0
    for word in words:
        at = text.find(json.dumps(word, ensure_ascii=False), at)
        if at < 0:
            return None
    return text.count("\n", 0, at) + 1


def parse_object(text: str) -> Mapping[str, Any]:
    """Parse a JSON object; InvalidJson for anything else."""
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidJson from None
    if not isinstance(data, dict):
        raise InvalidJson
    return data


def quoted(text: str) -> str:
    """Return a name or an address in quotes, escaped and cut at 200 characters."""
    return f'"{message_text(text)}"'


def summary(refusals: list[Refusal]) -> str:
    """Return the first refusal's sentence, and the number of others."""
    more = len(refusals) - 1
    return refusals[0].message + (f" (and {counted(more, 'other')} like it)" if more else "")
