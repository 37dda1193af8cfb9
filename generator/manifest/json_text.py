"""JSON text as events with lines.

The standard library judges whether it is JSON; a YAML reader cannot stand in, since it takes trailing commas and
refuses keys of over 1,024 characters or with the colon on the next line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from generator.manifest.document import MAX_DEPTH, Event, MalformedText
from generator.manifest.scalars import parse_number, parse_string

_PIECE: Final = re.compile(r'[\[\]{}]|"(?:[^"\\]++|\\.)*+"|[^\s\[\]{},:"]++')
_WORDS: Final = {"true": True, "false": False, "null": None}

# json's own words, in any of the supported Python versions, and ours; the first that fits.
_SENTENCES: Final = (
    ("Expecting property name", "a key in double quotes is expected"),
    ("Expecting ',' delimiter", "a comma or the end of the list or object is expected"),
    ("Expecting ':' delimiter", "a colon is expected after the key"),
    ("Extra data", "there is more after the end of the JSON value; remove it"),
    ("Invalid control character", "a string holds a raw tab, line break or control character; escape it, as in \\t"),
    ("Unterminated string", "a string begins and never ends; close it with a double quote"),
    ("Invalid \\", "a backslash in a string begins no escape of JSON; write two"),
    ("Expecting value", "a value is expected"),
)
_EXTRA_COMMA: Final = "the comma before the closing bracket is one too many; remove it"


def json_events(text: str) -> Iterator[Event]:
    """The events of a JSON text, none of an empty one; Malformed when it is not JSON."""
    if not text.strip():
        return
    _must_be_json(text)
    line, position = 1, 0
    for piece in _PIECE.finditer(text):
        line += text.count("\n", position, piece.start())
        position = piece.start()
        yield _event(piece.group(), line)


def _event(piece: str, line: int) -> Event:
    if piece in "{[":
        return Event("object" if piece == "{" else "list", line)
    if piece in "}]":
        return Event("end", line)
    if piece in _WORDS:
        return Event("scalar", line, _WORDS[piece])
    if piece.startswith('"'):
        return Event("scalar", line, *parse_string(json.loads(piece)))
    return Event("scalar", line, *parse_number(piece))


def _must_be_json(text: str) -> None:
    try:
        # Numbers are converted one by one later: int refuses thousands of digits, and names no line.
        json.loads(text, parse_int=float)
    except json.JSONDecodeError as error:
        place, sentence = _place_and_sentence(error)
        column = place - text.rfind("\n", 0, place)
        raise MalformedText(text.count("\n", 0, place) + 1, f"this is not JSON: column {column}: {sentence}") from None
    except RecursionError:
        raise MalformedText(_line_of_depth(text), f"values are nested more than {MAX_DEPTH} deep") from None


def _place_and_sentence(error: json.JSONDecodeError) -> tuple[int, str]:
    """Where the text stops being JSON, and why; before Python 3.13 json does not know a comma that is one too many."""
    before = error.doc[: error.pos].rstrip()
    if "trailing comma" in error.msg:
        return error.pos, _EXTRA_COMMA
    if before.endswith(",") and error.doc[error.pos : error.pos + 1] in ("]", "}"):
        return len(before) - 1, _EXTRA_COMMA
    return error.pos, next((ours for theirs, ours in _SENTENCES if error.msg.startswith(theirs)), error.msg)


def _line_of_depth(text: str) -> int:
    """The line where a text that is too deep for json's own reader becomes too deep for ours."""
    depth = 0
    for piece in _PIECE.finditer(text):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(piece.group(), 0)
        if depth > MAX_DEPTH:
            return text.count("\n", 0, piece.start()) + 1
    return 1
