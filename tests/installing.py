"""Installing packages by npm with scripts allowed, and noticing every script that npm starts."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# npm starts each script by its `script-shell`. This one keeps whose script it is and which, and runs nothing.
SHELL = '#!/bin/sh\necho "$npm_package_name $npm_lifecycle_event: $npm_lifecycle_script" >> "$RECORD"\n'
# npm 12 asks before it runs anything.
FLAGS = ("--no-audit", "--no-fund", "--fetch-retries=0", "--no-ignore-scripts", "--foreground-scripts")


def scripts_run(folder: Path, *words: str | Path, **env: str) -> list[str]:
    """Install by npm into a folder and return the scripts that it would have run, each as "PACKAGE EVENT: SCRIPT"."""
    shell, record = folder / ".shell", folder / ".record"
    shell.write_text(SHELL)
    shell.chmod(0o755)
    record.write_text("")
    npm = ["npm", "install", *FLAGS, f"--script-shell={shell}", *map(str, words)]
    allowed = {"npm_config_dangerously_allow_all_scripts": "true", "RECORD": str(record)}
    done = subprocess.run(  # noqa: TID251
        npm, cwd=folder, env={**os.environ, **allowed, **env}, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return sorted(record.read_text().splitlines())


def install(folder: Path, *words: str | Path, **env: str) -> None:
    """Install by npm into a folder; no package of this project runs anything by that."""
    assert scripts_run(folder, *words, **env) == []


def unchecked(archive: Path, declared: Mapping[str, Any], files: Mapping[str, str] | None = None) -> Path:
    """Write a package of any files whatever, as somebody else may."""
    texts = {"package.json": json.dumps(declared), **(files or {})}
    with tarfile.open(archive, "w:gz") as tar:
        for name, text in texts.items():
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return archive
