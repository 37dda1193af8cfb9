"""Untrusted text made safe to print and to store, and counts and times for people.

Crates, compilers and repositories write this text. `plain` removes control characters, `escaped` shows them.
"""

from __future__ import annotations

import re
import shlex
from typing import Final

MAX_QUOTED: Final = 60
"""Characters of a quoted value in a message."""
MAX_SHOWN: Final = 200
"""Characters of a path, or of a tool's output, in a message."""

_ESCAPES: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b[ -/]+[0-~]")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_COMMAND: Final = re.compile(r"^(\s*)::|##\[")


def plain(text: str) -> str:
    """Return text on one line, without escape sequences and control characters; tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    spaced = _ESCAPES.sub("", text).replace("\n", " ")
    return _CONTROLS.sub("", spaced).encode("utf-8", "replace").decode()


def without_commands(text: str) -> str:
    """Return plain text without workflow commands: GitHub reads `::` at a line's start, and `##[` anywhere."""
    return _COMMAND.sub(lambda found: f"{found[1]}: :" if found[1] is not None else "# #[", plain(text))


def visible(text: str) -> str:
    """Return text on one line, each unprintable character as its Python escape sequence."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)


def escaped(text: str, limit: int | None = None) -> str:
    """Return text on one line as in a Python string, without workflow commands, cut at `limit` characters."""
    cut = limit is not None and len(text) > limit
    safe = visible(re.sub(r'(["\\])', r"\\\1", text[:limit])).replace("::", r":\x3a").replace("##[", r"##\x5b")
    return f"{safe}..." if cut else safe


def quoted(value: object) -> str:
    """Return a JSON value for a message: strings escaped, in quotes, cut at 60 characters; containers by their kind."""
    if isinstance(value, str):
        return f'"{escaped(value, MAX_QUOTED)}"'
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return str(value)
    return "a list" if isinstance(value, list) else "an object"


def message_text(text: str) -> str:
    """Return a path, or a tool's output, escaped and cut at 200 characters."""
    return escaped(text, MAX_SHOWN)


def shell_word(path: str) -> str:
    """Return a path as one escaped word of a shell command, for a proposed fix."""
    return message_text(shlex.quote(path))


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: 1 crate, 2 crates."""
    return f"{count} {noun}{'s' * (count != 1)}"


def duration(seconds: float) -> str:
    """Return seconds for people: 0.8 s, 3 s, 42 s, 17 min 34 s, 2 h 5 min."""
    if 0 < seconds < 10 and seconds % 1:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 1:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
