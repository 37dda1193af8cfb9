"""Published packages, installed as a user does."""

from __future__ import annotations

from pathlib import Path

from generator import processes


def installed(top: Path, *urls: str) -> Path:
    """Install packages by their addresses into an empty directory."""
    (top / "package.json").write_text("{}\n")
    words = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *urls]
    processes.output(words, timeout=300, cwd=top)
    return top
