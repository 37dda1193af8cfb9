"""Published packages, installed as a user does."""

from __future__ import annotations

from pathlib import Path

from tests.installing import install


def installed(top: Path, *urls: str) -> Path:
    """Install packages by their addresses into an empty directory."""
    (top / "package.json").write_text("{}\n")
    install(top, *urls)
    return top
