"""Data files of this version."""

from __future__ import annotations

from pathlib import Path
from typing import Final

# Names in an installed package, which hide no other package: see pyproject.toml.
_INSTALLED: Final = {"templates": "templates", "e2b": "e2b_data"}


def package_data(directory: str) -> Path:
    """Return a directory of data files: inside an installed package, or beside the package in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / _INSTALLED[directory]
    return installed if installed.is_dir() else package.parent / directory
