"""Numbers and strings of a manifest, with the same rules in JSON and YAML."""

from __future__ import annotations

import math
import re
from typing import Final

from generator.text import quoted

_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*+)(\.[0-9]++)?([eE][+-]?[0-9]++)?")
# No setting has more than five digits. int refuses more than 4,300.
_MAX_DIGITS: Final = 30


def parse_number(text: str) -> tuple[int | float | None, str | None]:
    """Return a number in the syntax of JSON, or None and an error message."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None, f"{quoted(text)} is not a number in JSON; use plain digits, or put a string in quotes"
    if len(text) > _MAX_DIGITS:
        return None, f"a number of {len(text):,} characters is too long; at most {_MAX_DIGITS} are allowed"
    if match[1] is None and match[2] is None:
        return int(text), None
    value = float(text)
    return (value, None) if math.isfinite(value) else (None, f"{quoted(text)} is too large a number")


def parse_string(text: str) -> tuple[str | None, str | None]:
    """Return a string, or None and an error message for half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return None, f"{quoted(text)} has half of a surrogate pair, which is no character"
    return text, None
