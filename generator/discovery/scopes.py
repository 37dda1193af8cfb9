"""The npm scope of a new fleet: from package.json files, or the git owner, or a placeholder."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from generator.discovery.files import git_output
from generator.manifest.values import NpmName

UNKNOWN_SCOPE: Final = "@your-scope"
# https://HOST/OWNER/…, ssh://git@HOST/OWNER/… and git@HOST:OWNER/…; local paths have no owner.
REMOTE: Final = re.compile(r"(?:(?:https?|ssh|git)://[^/]+/|[^@/:\s]+@[^:/\s]+:)([^/]+)/.+")


def npm_scope(root: Path, names: Iterable[str]) -> tuple[str, str | None]:
    """Return the most frequent scope of the names, in alphabetical order among equals, and a note without one."""
    scopes = Counter(name.partition("/")[0] for name in names if name.startswith("@") and is_npm_name(name))
    if scopes:
        return min(scopes, key=lambda scope: (-scopes[scope], scope)), None
    url = (git_output(root, "config", "--get", "remote.origin.url") or b"").decode(errors="replace").strip()
    owner = REMOTE.fullmatch(url)
    scope = "@" + owner[1].lower() if owner else UNKNOWN_SCOPE
    if owner and is_npm_name(f"{scope}/x"):
        return scope, f"no package.json has an npm scope: {scope} is the owner of the git remote"
    return UNKNOWN_SCOPE, f"no npm scope was found: change {UNKNOWN_SCOPE} in fleet.npm_scope to your own"


def is_npm_name(name: str) -> bool:
    """Return whether an npm name is valid; two dots are not, because GitHub merges them in asset names."""
    return is_valid(NpmName, name) and ".." not in name


def is_valid(value_type: Any, value: str) -> bool:
    """Return whether a value is valid for a type of the manifest."""
    try:
        _adapter(value_type).validate_python(value)
    except ValidationError:
        return False
    return True


@cache
def _adapter(value_type: Any) -> TypeAdapter[str]:
    return TypeAdapter(value_type)
