"""Check that the action that generated workflows use can exist: `./` is the action of the repository itself."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from generator.errors import InputError
from generator.workflows.rendering import SETUP

_NAME: Final = re.compile(r"^name: cratematrix\s*$", re.MULTILINE)
_REPOSITORY: Final = re.compile(r"https://[^/]+/([A-Za-z0-9-]+/[A-Za-z0-9._-]+?)(?:\.git)?/?")

SET_ACTION: Final = "set fleet.action in {} to OWNER/REPOSITORY@REF, where cratematrix is published"


def check_action(action: str, top: Path, manifest: Path) -> None:
    """Raise InputError if the workflows would use `./` in a repository that does not hold cratematrix's action."""
    if action == "./" and not holds_action(top):
        raise InputError(
            "the workflows would use ./, and this repository has no action.yml of cratematrix",
            fix=SET_ACTION.format(manifest),
        )


def default_action(top: Path) -> str | None:
    """Return where the workflows of a repository find cratematrix, or None if nothing says it.

    pip writes down the commit when it installs a package from a git repository (PEP 610).
    """
    if holds_action(top):
        return "./"
    with suppress(PackageNotFoundError, ValueError, KeyError, TypeError):
        origin = json.loads(distribution("cratematrix").read_text("direct_url.json") or "{}")
        if found := _REPOSITORY.fullmatch(origin["url"]):
            return f"{found[1]}@{origin['vcs_info']['commit_id']}"
    return None


def holds_action(top: Path) -> bool:
    """Return whether a repository holds cratematrix's action, and the one that only installs the command."""
    try:
        text = (top / "action.yml").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return bool(_NAME.search(text)) and (top / SETUP / "action.yml").is_file()
