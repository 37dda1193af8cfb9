"""The package manager of an addon's npm dependencies, as its lock file and package.json name it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Mapping
from typing import Final

from generator.cargo.directories import ancestors

LOCKS: Final = {
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
    "yarn.lock": "yarn",
    "pnpm-lock.yaml": "pnpm",
    "bun.lock": "bun",
    "bun.lockb": "bun",
}
# As corepack reads it: a name, a version and an optional hash.
_NAMED: Final = re.compile(r"(npm|yarn|pnpm|bun)@([0-9][0-9A-Za-z.-]{0,40})(\+.*)?")


def manager_of(directory: str, files: Collection[str], named: Mapping[str, str | None]) -> str:
    """Return the manager and the lock of an addon in a few words: those of the nearest directory that has any.

    `files` are the repository's paths, and `named` the `packageManager` of each package.json by directory.
    """
    for at in (directory, *ancestors(directory)):
        locks = [path for lock in LOCKS if (path := posixpath.normpath(f"{at}/{lock}")) in files]
        manager = _NAMED.fullmatch(named.get(at) or "")
        if locks or manager:
            name = f"{manager[1]} {manager[2]}" if manager else LOCKS[posixpath.basename(locks[0])]
            return f"{name}, with {' and '.join(locks)}" if locks else f"{name}, without a lock file"
    return "npm, without a lock file"
