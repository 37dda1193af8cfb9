"""Names of files that a command did not find, in the words of compilers, runtimes and operating systems."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

MAX_NAMES: Final = 50
MAX_NAME: Final = 500

_MISSING: Final = re.compile(
    r"no such file|not found|(cannot|can't|could not|couldn't|unable to) (find|read|open|resolve|access|locate)"
    r"|does not exist|doesn't exist|not exist|ENOENT|os error 2\b",
    re.IGNORECASE,
)
# A name in quotes, which may have spaces, or a word. A colon ends a word: a line number follows it.
_NAME: Final = re.compile(r"`([^`]+)`|'([^']+)'|\"([^\"]+)\"|([^\s`'\"():,;=<>|]+)")


def missing_names(lines: Iterable[str]) -> list[str]:
    """Return the words of lines about missing files that can be paths, at most `MAX_NAMES`."""
    words = (word for line in lines if _MISSING.search(line) for word in map(_word, _NAME.finditer(line)))
    paths = (word for word in words if len(word) <= MAX_NAME and re.search(r"[./]\w", word))
    return list(dict.fromkeys(paths))[:MAX_NAMES]


def _word(found: re.Match[str]) -> str:
    return next(filter(None, found.groups()), "").rstrip(".")
