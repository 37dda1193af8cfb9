"""Environment variables of a sandbox's commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from generator.sandboxes.layout import CARGO_HOME, CARGO_TARGET, HOME, NPM_CACHE

# Variables that decide which programs run, and what runs before them. No crate can set these.
_RESERVED: Final = ("PATH", "HOME", "TMPDIR", "BASH_ENV", "CDPATH")
_RESERVED_PREFIXES: Final = ("LD_", "DYLD_", "BASH_FUNC_")

# The timestamp that npm gives every file in a package: 26 October 1985, 08:15 UTC.
SOURCE_DATE_EPOCH: Final = "499162500"


def command_environment(root: str, path: str, cpus: int, extra: Mapping[str, str]) -> dict[str, str]:
    """Return all environment variables of a command; `extra` cannot set reserved ones."""
    own = {name: value for name, value in extra.items() if not _is_reserved(name)}
    return {
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "TERM": "dumb",
        "CI": "true",
        "NO_COLOR": "1",
        "SOURCE_DATE_EPOCH": SOURCE_DATE_EPOCH,
        "CARGO_HOME": f"{root}/{CARGO_HOME}",
        "CARGO_TARGET_DIR": f"{root}/{CARGO_TARGET}",
        "CARGO_TERM_COLOR": "never",
        "CARGO_BUILD_JOBS": str(cpus),
        "npm_config_cache": f"{root}/{NPM_CACHE}",
        # npm would wait 10 s and a minute before it asks again. A crate gets another attempt anyway.
        "npm_config_fetch_retry_mintimeout": "1000",
        "npm_config_fetch_retry_maxtimeout": "5000",
        **own,
        "PATH": path,
        "HOME": f"{root}/{HOME}",
    }


def _is_reserved(name: str) -> bool:
    return name in _RESERVED or name.startswith(_RESERVED_PREFIXES)
