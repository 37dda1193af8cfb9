"""Escaping of file names and tool output in messages: they may contain any character."""

from __future__ import annotations

import shlex
from typing import Final

from generator.manifest.problems import escaped

MAX_SHOWN: Final = 200


def message_text(text: str) -> str:
    """Return a path or a tool's output, escaped for one line and cut at 200 characters."""
    return escaped(text[:MAX_SHOWN]) + ("..." if len(text) > MAX_SHOWN else "")


def shell_word(path: str) -> str:
    """Return a path quoted as one shell word of a suggested command."""
    return message_text(shlex.quote(path))
