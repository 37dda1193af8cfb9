"""Real repositories of git, and crates that lie in them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from generator.manifest.crate_models import Crate

GIT = ["git", "-c", "user.name=test", "-c", "user.email=test@example.invalid", "-c", "commit.gpgsign=false"]
URL = "https://git.example.invalid/fleet.git"


def git(top: Path, *words: str) -> str:
    return subprocess.run([*GIT, *words], cwd=top, check=True, capture_output=True, text=True).stdout.strip()  # noqa: TID251


def repository(top: Path, files: dict[str, str], *, tracked: bool = True) -> Path:
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    git(top, "init", "--quiet")
    if tracked:
        git(top, "add", "--all")
        git(top, "commit", "--quiet", "--message", "all")
    return top


def package(name: str, rest: str = "") -> str:
    return f'[package]\nname = "{name}"\nversion = "1.0.0"\n{rest}'


def crate(source: dict[str, str], kind: str = "lib") -> Crate:
    return Crate.model_validate_json(json.dumps({"name": "one", "version": "1.0.0", "kind": kind, "source": source}))
