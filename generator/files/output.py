"""Where results go, and where they are read back: nothing that a checkout brought lies there, or leads elsewhere."""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

from generator.errors import InputError
from generator.files.directory import Directory
from generator.sources.names import message_text, shell_word
from generator.sources.tree import git_output

# As many as Linux follows in one path.
MAX_LINKS: Final = 40


def output_directory(out: Path, checkout: Path | None = None) -> Directory:
    """Open the directory that results go to, made where it is missing; InputError where a checkout has a say in it.

    Git may track nothing there, and no link inside of a checkout leads there: see `reach`.
    """
    _refuse_tracked(out)
    return open_output(out, checkout)


def open_output(path: Path, checkout: Path | None = None) -> Directory:
    """Open a directory, made where it is missing; InputError where a link leads to it inside of a checkout.

    A checkout is `checkout`, and every directory that holds .git: what lies there, somebody else may have brought.
    Outside of them links are the user's own.
    """
    try:
        ground, names = _ground(path, checkout)
    except OSError as error:
        raise InputError(f"{path} cannot be used: {error.strerror}") from None
    if not names:
        return Directory.own(ground, path)
    with Directory.own(ground) as begin:
        inner = begin.enter("/".join(names))
    inner.path = path
    return inner


def _ground(path: Path, checkout: Path | None) -> tuple[Path, tuple[str, ...]]:
    """Return the checkout that a path leads into, by whatever links outside of it, and the names from there on.

    Where it leads into none, or out again by `..`, that is the place itself and no name.
    """
    here, waiting, links = Path("/"), deque(path.absolute().parts[1:]), 0
    while waiting:
        if _is_checkout(here, checkout):
            # As it is written: where a link of the checkout leads must not matter.
            waiting = deque(PurePosixPath(os.path.normpath("/".join(waiting))).parts)
            if ".." not in waiting:
                return here, tuple(waiting)
        name = waiting.popleft()
        if name == "..":
            here = here.parent
        elif links < MAX_LINKS and (here / name).is_symlink():
            target, links = (here / name).readlink(), links + 1
            waiting.extendleft(reversed(target.parts[target.is_absolute() :]))
            here = Path("/") if target.is_absolute() else here
        else:
            here /= name
    return here, ()


def _is_checkout(directory: Path, checkout: Path | None) -> bool:
    with suppress(OSError):
        return os.path.lexists(directory / ".git") or (checkout is not None and directory.samefile(checkout))
    return False


def _refuse_tracked(out: Path) -> None:
    """InputError when a file that git tracks is in a directory, as the file system sees it."""
    place = out.resolve() if out.name == ".." else out.absolute().parent.resolve() / out.absolute().name
    top = next((each for each in (place, *place.parents) if os.path.lexists(each / ".git")), None)
    if top is None:
        return
    inside = place.relative_to(top)
    listed = git_output(["ls-files", "-z", "--", f":(icase,literal){inside}"], timeout=60, cwd=top)
    # Names that differ in case alone are one on some file systems.
    found = (Path(*Path(os.fsdecode(path)).parts[len(inside.parts) :]) for path in listed.split(b"\0")[:-1])
    if brought := next((each for each in found if os.path.lexists(place / each)), None):
        raise InputError(
            f"git tracks {message_text(str(out / brought))}, and what a checkout brings may not lie where results go",
            fix=f"git rm -r --cached {shell_word(str(out))}",
        )
