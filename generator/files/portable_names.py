"""File names that are valid and distinct on Linux, macOS and Windows.

NTFS and APFS ignore the case of names. Reserved names of Windows:
https://learn.microsoft.com/windows/win32/fileio/naming-a-file
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

# Windows allows 260 characters; the rest is for the directory of the installed package.
MAX_PATH: Final = 180
# Only ASCII: APFS and NTFS compare other letters differently.
_PLAIN: Final = re.compile(r"[A-Za-z0-9@_+()\[\] .,~$!-]+")
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9]|conin\$|conout\$|clock\$) *(\..*)?", re.IGNORECASE)
# Short names that NTFS creates for long ones, such as PACKAG~1.JSO for package.json; two files would share one.
_SHORT: Final = re.compile(r"[^.]{0,6}~[0-9]{1,6}(\.[^.]{0,3})?")


def path_problem(path: str) -> str | None:
    """Return why a relative path with / is not portable, or None."""
    if len(path) > MAX_PATH:
        return f"a path of more than {MAX_PATH} characters is too long for Windows"
    return next((why for part in path.split("/") if (why := name_problem(part))), None)


def name_problem(part: str) -> str | None:
    """Return why a file name is not portable, or None."""
    if not _PLAIN.fullmatch(part):
        return "only letters, digits and @ _ + - ( ) [ ] . , ~ $ ! and spaces are the same in every file system"
    if part[-1] in ". ":
        return "Windows removes a dot or space at the end of a name"
    if _DEVICE.fullmatch(part):
        return "it is a device on Windows"
    return "it may be the short name of another file on Windows" if _SHORT.fullmatch(part) else None


def case_folded(path: str) -> str:
    """Return a path in the form that case-insensitive file systems compare."""
    return path.lower()


def find_clash(paths: Iterable[str]) -> tuple[str, str] | None:
    """Return two paths that are the same on some system, or of which one would be a file above the other."""
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
