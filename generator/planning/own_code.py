"""Code of cratematrix itself among changed files: code that decides what packages hold, and all other code.

Paths are relative to the top of the repository that holds the action.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_VERSIONS: Final = "e2b/versions.json"
PACKAGE_CODE: Final = (
    _VERSIONS,
    "generator/builds/artifacts.py",
    "generator/builds/steps/",
    "generator/cargo/",
    "generator/manifest/names.py",
    "generator/npm/",
    "generator/packages/",
    "generator/platforms.py",
    "generator/recipes/",
    "generator/sandboxes/layout.py",
    "generator/sbom/",
    "generator/scripts/",
    "generator/sources/",
    "generator/toolchain/",
    "requirements/linkers.txt",
    "requirements/windows.txt",
    "templates/.github/",
    "templates/e2b/",
    "templates/parts/",
)
"""Files, and directories with a slash at the end, that decide what is built into a package and by which tools."""

_OWN_CODE: Final = (
    "generator/",
    "templates/",
    "requirements/",
    ".github/actions/",
    "action.yml",
    "pyproject.toml",
    _VERSIONS,
)


def package_code(paths: Iterable[str]) -> list[str]:
    """Return the changed paths that decide what packages hold, sorted."""
    return sorted(path for path in paths if path.startswith(PACKAGE_CODE))


def own_code(paths: Iterable[str]) -> list[str]:
    """Return the changed paths of the tool and its action, sorted."""
    return sorted(path for path in paths if path.startswith(_OWN_CODE))
