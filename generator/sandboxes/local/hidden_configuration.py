"""Configuration of the host that lies where sandboxes look, below /usr, and is kept from them: it may hold tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.toolchain.mounts import is_in_usr

# Where programs of /usr and /usr/local have it for all users.
_SYSTEM: Final = (Path("/usr/local/etc"), Path("/usr/etc"))
# Of Cargo's home: the token of a registry may stand in either. A sandbox has a home for Cargo of its own.
_TOKENS: Final = ("credentials", "credentials.toml", "config", "config.toml")
# npm's own configuration, beside its program: a package of a distribution, or an image, may have written it.
_BUILT_IN: Final = ("lib/node_modules/npm/npmrc", "share/nodejs/npm/npmrc")
_CERTIFICATES: Final = re.compile(r"^\s*cafile\s*=\s*(\S.*?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class HiddenConfiguration:
    """Directories that are empty inside, files that are, and the file of certificates that npm needs all the same."""

    empty_directories: tuple[str, ...]
    masked_files: tuple[str, ...]
    npm_certificates: str | None


def hidden_configuration(environ: Mapping[str, str], node: Path) -> HiddenConfiguration:
    """Look for it: npm's lies in the prefix of Node.js, Cargo's tokens in its home, which images have below /usr."""
    directories = (*_SYSTEM, node / "etc")
    home = Path(environ.get("CARGO_HOME") or Path(environ.get("HOME", "/"), ".cargo"))
    files = (*(home / name for name in _TOKENS), *(node / name for name in _BUILT_IN))
    npm = (*(each / "npmrc" for each in directories), *(node / name for name in _BUILT_IN))
    return HiddenConfiguration(
        _below_usr(directories, Path.is_dir),
        _below_usr(files, Path.is_file),
        next((found for each in npm if (found := _npm_certificates(each))), None),
    )


def _below_usr(places: Iterable[Path], exists: Callable[[Path], bool]) -> tuple[str, ...]:
    found = dict.fromkeys(each.resolve() for each in places if exists(each))
    return tuple(str(each) for each in found if is_in_usr(each))


def _npm_certificates(file: Path) -> str | None:
    try:
        found = _CERTIFICATES.search(file.read_text(errors="replace"))
    except OSError:
        return None
    return found[1] if found else None
