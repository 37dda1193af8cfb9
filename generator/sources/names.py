"""Names of a repository's files in messages: they may hold anything but a NUL."""

from __future__ import annotations

import shlex
from typing import Final

from generator.manifest.problems import escaped

MAX_SHOWN: Final = 200


def message_text(text: str) -> str:
    """A path or a tool's words, safe in one line and cut at 200 characters."""
    return escaped(text[:MAX_SHOWN]) + ("..." if len(text) > MAX_SHOWN else "")


def shell_word(path: str) -> str:
    """A path as one word of a command that is proposed."""
    return message_text(shlex.quote(path))
