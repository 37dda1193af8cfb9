"""Lines that install a package, as each package manager takes them; pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Final, Literal

Installer = Literal["npm", "pnpm", "yarn", "bun"]

_COMMANDS: Final[Mapping[Installer, tuple[str, ...]]] = {
    "npm": ("npm", "install"),
    "pnpm": ("pnpm", "add"),
    "yarn": ("yarn", "add"),
    "bun": ("bun", "add"),
}
INSTALLERS: Final = tuple(_COMMANDS)


def install_line(installer: Installer, name: str, place: str | None) -> str:
    """Return the line for a package from the address or the path of its tarball, or from a registry: None.

    A relative path begins with `./`: without it, yarn takes it for a name.
    """
    words = [*_COMMANDS[installer]]
    # npm 12 refuses addresses without this option, and earlier versions ignore it.
    words += ["--allow-remote=root"] if installer == "npm" and place and "://" in place else []
    # bun does not take a name before a path, and later versions of yarn need one before an address.
    words.append(name if place is None else f"{name}@{place}" if installer == "yarn" else place)
    return shlex.join(words)
