"""The environment of a sandbox's commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from generator.sandboxes.layout import CARGO_HOME, CARGO_TARGET, HOME, NPM_CACHE

# Not for a crate to choose: what programs run, and what runs before them.
_FIXED: Final = ("PATH", "HOME", "TMPDIR", "BASH_ENV", "CDPATH")
_FIXED_PREFIXES: Final = ("LD_", "DYLD_", "BASH_FUNC_")

# The moment that npm gives every file it packs: 26 October 1985, 08:15 UTC.
SOURCE_DATE_EPOCH: Final = "499162500"


def variables(root: str, path: str, cpus: int, given: Mapping[str, str]) -> dict[str, str]:
    """Return everything that a command finds in its environment; `given` cannot replace what decides what runs."""
    own = {name: value for name, value in given.items() if not _is_fixed(name)}
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
        **own,
        "PATH": path,
        "HOME": f"{root}/{HOME}",
    }


def _is_fixed(name: str) -> bool:
    return name in _FIXED or name.startswith(_FIXED_PREFIXES)
