"""An addon's package with empty files, to test its package.json and file names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from generator.packages.addon import addon_packages
from generator.packages.identity import Identity
from generator.packages.tarball import NpmPackage, write_tarball
from tests.support import write_files

IDENTITY = Identity("@demo/words", "1.2.3")
DECLARED: dict[str, Any] = {"name": "@demo/words", "version": "1.2.3", "main": "index.js", "napi": {"name": "words"}}
STAGED = {"index.js": "", "cli.js": "", "words.linux-x64-gnu.node": ""}


def addon(top: Path, files: dict[str, str] | None = None, **more: Any) -> NpmPackage:
    """Return the package of these files and keys of package.json beside its own."""
    write_files(top, {**STAGED, **(files or {})})
    (package,) = addon_packages(IDENTITY, DECLARED | more, ("linux-x64-gnu",), top, "single")
    return package


def packed(top: Path, files: dict[str, str] | None = None, **more: Any) -> Path:
    """Write it as a tarball."""
    write_tarball(addon(top / "staged", files, **more).files, top / "words.tgz")
    return top / "words.tgz"
