"""What a number and a string may be, in JSON and YAML alike."""

from __future__ import annotations

import math
import re
from typing import Final

from generator.text import quoted

_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*+)(\.[0-9]++)?+([eE][+-]?[0-9]++)?+")
# No setting has more than five digits; int itself refuses more than 4,300.
_MAX_DIGITS: Final = 30


def number(text: str) -> tuple[int | float | None, str | None]:
    """A number as JSON writes it, or None and why not."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None, f"{quoted(text)} is not a number as JSON writes it; write plain digits, or quotes around a string"
    if len(text) > _MAX_DIGITS:
        return None, f"a number of {len(text):,} characters is too long; at most {_MAX_DIGITS} are allowed"
    if match[1] is None and match[2] is None:
        return int(text), None
    value = float(text)
    return (value, None) if math.isfinite(value) else (None, f"{quoted(text)} is too large a number")


def string(text: str) -> tuple[str | None, str | None]:
    """A string, or None and why not: half of a surrogate pair stands for no character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return None, f"{quoted(text)} holds half of a surrogate pair, which is no character"
    return text, None
