"""Checks of path sources: each is the directory of a crate, and of its package.json, inside the repository."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path

from generator.git import not_checked_out
from generator.manifest.models import Manifest
from generator.manifest.problems import Problem
from generator.manifest.source_models import PathSource
from generator.text import quoted


def check_path_sources(manifest: Manifest, root: Path) -> tuple[Problem, ...]:
    """Return a problem for every path source that is not the directory of a crate inside the repository.

    `root` is the manifest's directory. A crate that a sparse checkout leaves out is no problem: a run may not need it.
    """
    root = root.resolve()
    repository = repository_of(root)
    problems: dict[Problem, str] = {}
    for index, crate in enumerate(manifest.crates):
        if not isinstance(crate.source, PathSource):
            continue
        places = {"path": (crate.source.path, "Cargo.toml", "the directory of the crate")}
        if crate.source.package is not None:
            places["package"] = (crate.source.package, "package.json", "the directory of the addon's npm package")
        for key, (path, name, advice) in places.items():
            if sentence := _source_error(root, repository, path, name, advice):
                file = posixpath.normpath((root.relative_to(repository) / path / name).as_posix())
                problems[Problem(("crates", index, "source", key), sentence)] = file
    absent = not_checked_out(repository) if problems else frozenset()
    return tuple(problem for problem, file in problems.items() if file not in absent)


def repository_of(root: Path) -> Path:
    """Return the nearest directory with .git, from a resolved one upwards, or else that one."""
    return next((each for each in (root, *root.parents) if os.access(each / ".git", os.F_OK)), root)


def _source_error(root: Path, repository: Path, path: str, name: str, advice: str) -> str | None:
    """Return the error of one path, or None. Symbolic links are followed, and must stay inside the repository."""
    try:
        directory = (root / path).resolve(strict=True)
        file = directory / name
        if not directory.is_relative_to(repository) or not file.resolve().is_relative_to(repository):
            return f"{quoted(path)} leads out of the repository by a symbolic link; sources must be inside"
        if not directory.is_dir():
            return f"{quoted(path)} is a file; use the directory of {name}"
        if not file.is_file():
            return f"{quoted(path)} has no {name}; use {advice}"
    except (FileNotFoundError, NotADirectoryError):
        return f"there is no directory {quoted(path)} beside the manifest"
    # Python before 3.13 raises RuntimeError for a loop of symbolic links.
    except (OSError, RuntimeError):
        return f"{quoted(path)} cannot be read; check its permissions and symbolic links"
    return None
