"""Whether the sources of a manifest that lie in the checkout are there, and inside it."""

from __future__ import annotations

import os
from pathlib import Path

from generator.manifest.models import Manifest, PathSource
from generator.manifest.problems import Problem
from generator.text import quoted


def check_sources(manifest: Manifest, root: Path) -> tuple[Problem, ...]:
    """A problem for every path source that is no crate's directory inside the repository.

    `root` is the manifest's directory. The repository is the nearest directory above it that holds .git, else `root`.
    """
    root = root.resolve()
    repository = next((each for each in (root, *root.parents) if os.access(each / ".git", os.F_OK)), root)
    problems = []
    for index, crate in enumerate(manifest.crates):
        if isinstance(crate.source, PathSource):
            sentence = _sentence(root, repository, crate.source.path)
            if sentence:
                problems.append(Problem(("crates", index, "source", "path"), sentence))
    return tuple(problems)


def _sentence(root: Path, repository: Path, path: str) -> str | None:
    """What is wrong with one path, if anything; links are followed, and must not lead out."""
    try:
        directory = (root / path).resolve(strict=True)
        cargo_toml = directory / "Cargo.toml"
        if not directory.is_relative_to(repository) or not cargo_toml.resolve().is_relative_to(repository):
            return f"{quoted(path)} leads out of the repository by a symbolic link; sources must lie inside"
        if not directory.is_dir():
            return f"{quoted(path)} is a file; give the directory that holds Cargo.toml"
        if not cargo_toml.is_file():
            return f"{quoted(path)} holds no Cargo.toml; give the directory of the crate"
    except (FileNotFoundError, NotADirectoryError):
        return f"there is no directory {quoted(path)} beside the manifest"
    # RuntimeError is what Python before 3.13 says of links in a circle.
    except (OSError, RuntimeError):
        return f"{quoted(path)} cannot be looked into; mind its permissions and symbolic links"
    return None
