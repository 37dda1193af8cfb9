"""Where the data files are that come with this version."""

from __future__ import annotations

from pathlib import Path
from typing import Final

# In an installed package they lie inside of it, under names that hide no other package: see pyproject.toml.
_INSTALLED: Final = {"templates": "templates", "e2b": "e2b_data"}


def package_data(directory: str) -> Path:
    """Return a directory of data: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / _INSTALLED[directory]
    return installed if installed.is_dir() else package.parent / directory
