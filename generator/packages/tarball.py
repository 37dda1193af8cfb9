"""Tarballs for `npm install`: equal files give equal bytes."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from generator.files.digest import sha256_of
from generator.packages.forbidden import check_files, check_package_json
from generator.platforms import PlatformName

# `npm pack` writes this time into every entry, so that packages do not depend on the clock.
NPM_MTIME: Final = 499_162_500


@dataclass(frozen=True)
class PackedFile:
    """A file of a package: its path, and either a file on the host or the content itself."""

    path: str
    content: Path | bytes
    executable: bool = False

    @property
    def size(self) -> int:
        """The size in bytes."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    def open(self) -> BinaryIO:
        """Open the content for reading."""
        return io.BytesIO(self.content) if isinstance(self.content, bytes) else self.content.open("rb")


@dataclass(frozen=True)
class NpmPackage:
    """A package: its npm name, its files including package.json, and its platform if it has only one."""

    name: str
    files: tuple[PackedFile, ...]
    platform: PlatformName | None = None


def write_tarball(files: tuple[PackedFile, ...], destination: Path) -> tuple[int, str]:
    """Write a package and return its size in bytes and its SHA-256; package.json comes first, as in npm.

    Raise Unbuildable when the package contains anything forbidden.
    """
    _check(files)
    partial = destination.with_name(f".{destination.name}.partial")
    ordered = sorted(files, key=lambda file: (file.path != "package.json", file.path))
    with partial.open("wb") as raw:
        packed = gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=raw, mtime=0)
        with packed, tarfile.open(fileobj=cast("BinaryIO", packed), mode="w", format=tarfile.PAX_FORMAT) as tar:
            for file in ordered:
                _add(tar, file)
    size, digest = partial.stat().st_size, sha256_of(partial)
    partial.replace(destination)
    return size, digest


def package_json(data: dict[str, Any]) -> PackedFile:
    """Return package.json in npm's format with keys in the given order; `gypfile` keeps npm from running node-gyp."""
    text = json.dumps({**data, "gypfile": False}, indent=2, ensure_ascii=False) + "\n"
    return PackedFile("package.json", text.encode("utf-8", "replace"))


def _check(files: tuple[PackedFile, ...]) -> None:
    paths = [file.path for file in files]
    check_files(paths)
    for file in files:
        if file.path == "package.json":
            with file.open() as stream:
                check_package_json(json.load(stream), paths)


def _add(tar: tarfile.TarFile, file: PackedFile) -> None:
    info = tarfile.TarInfo(f"package/{file.path}")
    info.mode = 0o755 if file.executable else 0o644
    info.mtime = NPM_MTIME
    info.size = file.size
    with file.open() as source:
        tar.addfile(info, source)
