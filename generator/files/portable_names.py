"""Paths that Linux, macOS and Windows all hold, each as a file of its own; pure.

NTFS and APFS take names that differ only in case for one. What Windows does to names, and which it keeps for itself:
https://learn.microsoft.com/windows/win32/fileio/naming-a-file
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

# Of Windows' 260 characters, the others are for where a package is installed.
MAX_PATH: Final = 180
# Only ASCII, because APFS and NTFS do not agree on which other letters are equal.
_PLAIN: Final = re.compile(r"[A-Za-z0-9@_+()\[\] .,~$!-]+")
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9]|conin\$|conout\$|clock\$) *(\..*)?", re.IGNORECASE)
# The short names that NTFS makes of long ones, as PACKAG~1.JSO of package.json: another file may have it.
_SHORT: Final = re.compile(r"[^.]{0,6}~[0-9]{1,6}(\.[^.]{0,3})?")


def path_problem(path: str) -> str | None:
    """Say why a relative path with / does not name the same file on every system, or return None."""
    if len(path) > MAX_PATH:
        return f"a path of more than {MAX_PATH} characters is too long for Windows"
    return next((why for part in path.split("/") if (why := name_problem(part))), None)


def name_problem(part: str) -> str | None:
    """Say why something in a directory cannot be called so on every system, or return None."""
    if not _PLAIN.fullmatch(part):
        return "only letters, digits and @ _ + - ( ) [ ] . , ~ $ ! and spaces are the same in every file system"
    if part[-1] in ". ":
        return "Windows leaves out a dot or space at the end of a name"
    if _DEVICE.fullmatch(part):
        return "Windows takes it for a device"
    return "Windows may have it as the short name of another file" if _SHORT.fullmatch(part) else None


def case_folded(path: str) -> str:
    """Return a path as file systems compare it that ignore case."""
    return path.lower()


def find_clash(paths: Iterable[str]) -> tuple[str, str] | None:
    """Return two paths that some system takes for one file, for one directory, or for a file and what lies below it."""
    seen: dict[str, tuple[str, bool]] = {}
    for path in paths:
        parts = path.split("/")
        for count in range(1, len(parts) + 1):
            here, is_file = "/".join(parts[:count]), count == len(parts)
            first, was_file = seen.get(case_folded(here), (here, False))
            if first != here or was_file or (is_file and case_folded(here) in seen):
                return first, here
            seen[case_folded(here)] = here, is_file
    return None
