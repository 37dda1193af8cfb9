"""The npm scope of a new fleet: the one its package.json files have, else its git owner's, else one to be changed."""

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
# https://HOST/OWNER/…, ssh://git@HOST/OWNER/… and git@HOST:OWNER/…; a path of this machine has no owner.
REMOTE: Final = re.compile(r"(?:(?:https?|ssh|git)://[^/]+/|[^@/:\s]+@[^:/\s]+:)([^/]+)/.+")


def npm_scope(root: Path, names: Iterable[str]) -> tuple[str, str | None]:
    """The most frequent scope of the names, the first by name of equals; and a note where there is none."""
    scopes = Counter(name.partition("/")[0] for name in names if is_npm_name(name))
    if scopes:
        return min(scopes, key=lambda scope: (-scopes[scope], scope)), None
    words = (git_output(root, "config", "--get", "remote.origin.url") or b"").decode(errors="replace").strip()
    owner = REMOTE.fullmatch(words)
    scope = "@" + owner[1].lower() if owner else UNKNOWN_SCOPE
    if owner and is_npm_name(f"{scope}/x"):
        return scope, f"no package.json says an npm scope: {scope} is the owner of the git remote"
    return UNKNOWN_SCOPE, f"no npm scope was found: change {UNKNOWN_SCOPE} in fleet.npm_scope to your own"


def is_npm_name(name: str) -> bool:
    """Whether a scoped npm name can be kept: GitHub would make one dot of two in the name of a release asset."""
    return is_valid(NpmName, name) and ".." not in name


def is_valid(shape: Any, value: str) -> bool:
    """Whether a value fits one of the manifest's own shapes."""
    try:
        _adapter(shape).validate_python(value)
    except ValidationError:
        return False
    return True


@cache
def _adapter(shape: Any) -> TypeAdapter[str]:
    return TypeAdapter(shape)
