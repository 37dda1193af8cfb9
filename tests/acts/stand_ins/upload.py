"""Stands in for actions/upload-artifact 7: which files it takes, where they lie in the artifact, what it refuses.

Its rules: https://github.com/actions/upload-artifact, README and src/shared/search.ts. Patterns that leave files out
(`!…`) are refused, for nobody here uses one.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import sys
from pathlib import Path


def main() -> None:
    name, patterns = os.environ["NAME"], os.environ["FILES"].split()
    check(name, patterns)
    files = sorted({file for pattern in patterns for file in below(pattern)})
    if not files:
        no_files(os.environ["WHEN_EMPTY"], patterns)
        return
    target = Path(os.environ["ACTS_KEPT"], "artifacts", os.environ["GITHUB_RUN_ID"], name)
    try:
        target.mkdir(parents=True)
    except FileExistsError:
        sys.exit(
            "::error::Failed to CreateArtifact: (409) Conflict: an artifact with this name already exists on the workflow run"
        )
    root = common_root(patterns, files)
    for file in files:
        kept = target / file.relative_to(root)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, kept)  # without its mode, as in a zip
    print(f"Artifact {name} has been successfully uploaded: {len(files)} files")  # noqa: T201


def check(name: str, patterns: list[str]) -> None:
    if not name or re.search(r'["<>:|*?\r\n\\/]', name):
        sys.exit(f"::error::The artifact name is not valid: {name!r}")
    if not patterns or any(pattern.startswith("!") for pattern in patterns):
        sys.exit(f"::error::No path, or one that this stand-in does not know: {patterns}")
    if not 0 <= int(os.environ["LEVEL"]) <= 9 or not 0 <= int(os.environ["DAYS"]) <= 400:
        sys.exit("::error::compression-level or retention-days is out of its range")


def no_files(rule: str, patterns: list[str]) -> None:
    words = f"No files were found with the provided path: {' '.join(patterns)}. No artifacts will be uploaded."
    if rule not in {"warn", "error", "ignore"}:
        sys.exit(f"::error::Unrecognized if-no-files-found input: {rule!r}")
    if rule == "error":
        sys.exit(f"::error::{words}")
    print(f"::warning::{words}" if rule == "warn" else words)  # noqa: T201


def below(pattern: str) -> list[Path]:
    """Return the files that a pattern means: a directory stands for all in it, hidden ones excepted.

    Directories before the pattern's last fixed part may be hidden.
    """
    above = fixed(pattern).parent
    found = [Path(path) for path in glob.glob(pattern, recursive=True)]  # noqa: PTH207  the pattern may be absolute
    every = [file for path in found for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()]
    return [file for file in every if not any(part.startswith(".") for part in file.relative_to(above).parts)]


def common_root(patterns: list[str], files: list[Path]) -> Path:
    """Return the directory that becomes the artifact's root: the last one that all patterns have before a wildcard."""
    root = Path(os.path.commonpath([fixed(pattern) for pattern in patterns]))
    return root.parent if root in files else root


def fixed(pattern: str) -> Path:
    """Return the part of a pattern before its first wildcard."""
    return Path(re.split(r"[^/]*[*?\[]", pattern, maxsplit=1)[0] or ".")


main()
