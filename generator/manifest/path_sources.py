"""Checks of path sources: each is a crate's directory inside the repository."""

from __future__ import annotations

import os
from pathlib import Path

from generator.manifest.models import Manifest, PathSource
from generator.manifest.problems import Problem
from generator.text import quoted


def check_path_sources(manifest: Manifest, root: Path) -> tuple[Problem, ...]:
    """Return a problem for every path source that is not the directory of a crate inside the repository.

    `root` is the manifest's directory. The repository is the nearest directory above it with .git, or else `root`.
    """
    root = root.resolve()
    repository = next((each for each in (root, *root.parents) if os.access(each / ".git", os.F_OK)), root)
    problems = []
    for index, crate in enumerate(manifest.crates):
        if isinstance(crate.source, PathSource):
            sentence = _source_error(root, repository, crate.source.path)
            if sentence:
                problems.append(Problem(("crates", index, "source", "path"), sentence))
    return tuple(problems)


def _source_error(root: Path, repository: Path, path: str) -> str | None:
    """Return the error of one path, or None. Symbolic links are followed, and must stay inside the repository."""
    try:
        directory = (root / path).resolve(strict=True)
        cargo_toml = directory / "Cargo.toml"
        if not directory.is_relative_to(repository) or not cargo_toml.resolve().is_relative_to(repository):
            return f"{quoted(path)} leads out of the repository by a symbolic link; sources must be inside"
        if not directory.is_dir():
            return f"{quoted(path)} is a file; use the directory of Cargo.toml"
        if not cargo_toml.is_file():
            return f"{quoted(path)} has no Cargo.toml; use the directory of the crate"
    except (FileNotFoundError, NotADirectoryError):
        return f"there is no directory {quoted(path)} beside the manifest"
    # Python before 3.13 raises RuntimeError for a loop of symbolic links.
    except (OSError, RuntimeError):
        return f"{quoted(path)} cannot be read; check its permissions and symbolic links"
    return None
