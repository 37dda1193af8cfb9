"""JSON text as parser events with lines.

The standard library validates the JSON. A YAML parser is no replacement: it accepts trailing commas, and rejects keys
of over 1,024 characters or with the colon on the next line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from generator.manifest.document import MAX_DEPTH, Event, MalformedText
from generator.manifest.scalars import parse_number, parse_string

_PIECE: Final = re.compile(r'[\[\]{}]|"(?:[^"\\]++|\\.)*"|[^\s\[\]{},:"]++')
_WORDS: Final = {"true": True, "false": False, "null": None}

# The messages of json, in all supported versions of Python, and their replacements. The first match counts.
_SENTENCES: Final = (
    ("Expecting property name", "a key in double quotes is expected"),
    ("Expecting ',' delimiter", "a comma or the end of the list or object is expected"),
    ("Expecting ':' delimiter", "a colon is expected after the key"),
    ("Extra data", "there is text after the end of the JSON value; remove it"),
    ("Invalid control character", "a string has a raw tab, line break or control character; escape it, as in \\t"),
    ("Unterminated string", "a string has no end; close it with a double quote"),
    ("Invalid \\", "a backslash in a string starts no valid escape; write two backslashes"),
    ("Expecting value", "a value is expected"),
)
_EXTRA_COMMA: Final = "there is a comma before the closing bracket; remove it"


def json_events(text: str) -> Iterator[Event]:
    """Yield the events of a JSON text, none for an empty one; MalformedText if it is not JSON."""
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
        # Numbers are converted later, one by one: int refuses thousands of digits, and its error has no line.
        json.loads(text, parse_int=float)
    except json.JSONDecodeError as error:
        place, sentence = _place_and_sentence(error)
        column = place - text.rfind("\n", 0, place)
        raise MalformedText(text.count("\n", 0, place) + 1, f"this is not JSON: column {column}: {sentence}") from None
    except RecursionError:
        raise MalformedText(_line_of_depth(text), f"values are nested more than {MAX_DEPTH} levels deep") from None


def _place_and_sentence(error: json.JSONDecodeError) -> tuple[int, str]:
    """Return where the JSON is invalid, and why. Before Python 3.13, json has no message for an extra comma."""
    before = error.doc[: error.pos].rstrip()
    if "trailing comma" in error.msg:
        return error.pos, _EXTRA_COMMA
    if before.endswith(",") and error.doc[error.pos : error.pos + 1] in ("]", "}"):
        return len(before) - 1, _EXTRA_COMMA
    return error.pos, next((ours for original, ours in _SENTENCES if error.msg.startswith(original)), error.msg)


def _line_of_depth(text: str) -> int:
    """Return the line where a text with too many levels for json exceeds the limit of a manifest."""
    depth = 0
    for piece in _PIECE.finditer(text):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(piece.group(), 0)
        if depth > MAX_DEPTH:
            return text.count("\n", 0, piece.start()) + 1
    return 1
