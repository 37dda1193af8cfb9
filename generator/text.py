"""Text that crates, compilers and repositories wrote, made safe to show and to keep; and counts, as they are said."""

from __future__ import annotations

import re
from typing import Final

_ESCAPES: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b[ -/]+[0-~]")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_COMMAND: Final = re.compile(r"^(\s*)::|##\[")


def plain(text: str) -> str:
    """Return text on one line, without escape sequences or anything else that steers a terminal; tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    spaced = _ESCAPES.sub("", text).replace("\n", " ")
    return _CONTROLS.sub("", spaced).encode("utf-8", "replace").decode()


def shown(text: str) -> str:
    """Return plain text in which GitHub's runner finds no command: `::` at the start of a line, `##[` anywhere."""
    return _COMMAND.sub(lambda found: f"{found[1]}: :" if found[1] is not None else "# #[", plain(text))


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: 1 crate, 2 crates."""
    return f"{count} {noun}{'s' * (count != 1)}"
