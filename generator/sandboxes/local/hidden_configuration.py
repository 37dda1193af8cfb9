"""Configuration files of the host below /usr that are hidden from sandboxes, because they may contain tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.toolchain.mounts import is_in_usr

# Configuration of programs in /usr and /usr/local for all users.
_SYSTEM_DIRECTORIES: Final = (Path("/usr/local/etc"), Path("/usr/etc"))
# Files of CARGO_HOME that may contain tokens of registries. A sandbox has a CARGO_HOME of its own.
_CARGO_FILES: Final = ("credentials", "credentials.toml", "config", "config.toml")
# npm's built-in configuration, which a distribution's package or an image may have written.
_NPM_BUILT_IN: Final = ("lib/node_modules/npm/npmrc", "share/nodejs/npm/npmrc")
_CERTIFICATES: Final = re.compile(r"^\s*cafile\s*=\s*(\S.*?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class HiddenConfiguration:
    """Directories and files to hide, and the certificates file that npm needs from its hidden configuration."""

    empty_directories: tuple[str, ...]
    masked_files: tuple[str, ...]
    npm_certificates: str | None


def hidden_configuration(environ: Mapping[str, str], node: Path) -> HiddenConfiguration:
    """Find the files: npm's in the prefix of Node.js, Cargo's in CARGO_HOME, which images have below /usr."""
    directories = (*_SYSTEM_DIRECTORIES, node / "etc")
    home = Path(environ.get("CARGO_HOME") or Path(environ.get("HOME", "/"), ".cargo"))
    files = (*(home / name for name in _CARGO_FILES), *(node / name for name in _NPM_BUILT_IN))
    npm = (*(each / "npmrc" for each in directories), *(node / name for name in _NPM_BUILT_IN))
    return HiddenConfiguration(
        _below_usr(directories, Path.is_dir),
        _below_usr(files, Path.is_file),
        next((found for each in npm if (found := _npm_certificates(each))), None),
    )


def _below_usr(paths: Iterable[Path], exists: Callable[[Path], bool]) -> tuple[str, ...]:
    found = dict.fromkeys(each.resolve() for each in paths if exists(each))
    return tuple(str(each) for each in found if is_in_usr(each))


def _npm_certificates(file: Path) -> str | None:
    try:
        found = _CERTIFICATES.search(file.read_text(errors="replace"))
    except OSError:
        return None
    return found[1] if found else None
