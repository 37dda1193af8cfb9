"""Output directories: a checkout can neither put files there nor redirect them with a link."""

from __future__ import annotations

import os
import posixpath
from collections import deque
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

from generator.errors import InputError
from generator.files.directory import Directory
from generator.git import git_output
from generator.text import message_text, shell_word

# Linux follows as many links in one path.
MAX_LINKS: Final = 40


def output_directory(out: Path, checkout: Path | None = None) -> Directory:
    """Open the output directory, created if needed; InputError when git tracks a file in it.

    InputError also when a link inside a checkout leads there: see `open_output`. An empty directory gets a .gitignore
    that hides all of it from git. One with other files may be more than an output directory, so it gets none.
    """
    _refuse_tracked(out)
    directory = open_output(out, checkout)
    if not directory.list_names("."):
        directory.create(".gitignore", b"*\n")
    return directory


def open_output(path: Path, checkout: Path | None = None) -> Directory:
    """Open a directory, created if needed; InputError when a link inside a checkout leads to it.

    A checkout is `checkout`, and every directory with .git: its files and links may be a stranger's. Links outside of
    a checkout are the user's.
    """
    try:
        base, names = _resolve(path, checkout)
    except OSError as error:
        raise InputError(f"{path} cannot be used: {error.strerror}") from None
    if not names:
        return Directory.open_trusted(base, path)
    with Directory.open_trusted(base) as directory:
        inner = directory.subdirectory("/".join(names))
    inner.path = path
    return inner


def _resolve(path: Path, checkout: Path | None) -> tuple[Path, tuple[str, ...]]:
    """Return the checkout that a path leads into, and the names of the path below it.

    Links outside of the checkout are followed. Without a checkout, or when `..` leads out of it, return the resolved
    path and no names.
    """
    whole = path.absolute()
    here, remaining, links = Path(whole.anchor), deque(whole.parts[1:]), 0
    while remaining:
        if _is_checkout(here, checkout):
            # Resolve `..` in the text of the path, so that links of the checkout have no effect.
            remaining = deque(PurePosixPath(posixpath.normpath("/".join(remaining))).parts)
            if ".." not in remaining:
                return here, tuple(remaining)
        name = remaining.popleft()
        if name == "..":
            here = here.parent
        elif links < MAX_LINKS and (here / name).is_symlink():
            target, links = (here / name).readlink(), links + 1
            remaining.extendleft(reversed(target.parts[target.is_absolute() :]))
            here = Path(target.anchor) if target.is_absolute() else here
        else:
            here /= name
    return here, ()


def _is_checkout(directory: Path, checkout: Path | None) -> bool:
    with suppress(OSError):
        return os.path.lexists(directory / ".git") or (checkout is not None and directory.samefile(checkout))
    return False


def _refuse_tracked(out: Path) -> None:
    """InputError when git tracks a file of a directory that exists in the file system."""
    path = out.resolve() if out.name == ".." else out.absolute().parent.resolve() / out.absolute().name
    top = next((each for each in (path, *path.parents) if os.path.lexists(each / ".git")), None)
    if top is None:
        return
    inside = path.relative_to(top)
    listed = git_output(["ls-files", "-z", "--", f":(icase,literal){inside.as_posix()}"], timeout=60, cwd=top)
    # Some file systems ignore case, so git's path may differ from the directory's.
    found = (Path(*Path(os.fsdecode(name)).parts[len(inside.parts) :]) for name in listed.split(b"\0")[:-1])
    if tracked := next((each for each in found if os.path.lexists(path / each)), None):
        raise InputError(
            f"git tracks {message_text(str(out / tracked))}, and an output directory must not contain tracked files",
            fix=f"git rm -r --cached {shell_word(str(out))}",
        )
