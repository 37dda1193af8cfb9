"""Artifacts: unpacking an archive from a sandbox, which is hostile until it is checked, and finding binaries."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import Final

from generator.errors import Unbuildable
from generator.files.portable_names import path_problem
from generator.platforms import PlatformName
from generator.reports.models import Artifact

MAX_FILES: Final = 10_000
MAX_BYTES: Final = 2 * 1024 * 1024 * 1024


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpack(archive: Path, destination: Path) -> None:
    """Unpack an archive of regular files into `destination`; Unbuildable for any other entry."""
    destination.mkdir(parents=True)
    count = total = 0
    try:
        with tarfile.open(archive, "r:") as tar:
            for member in tar:
                if member.isdir():
                    continue
                count, total = count + 1, total + member.size
                if count > MAX_FILES or total > MAX_BYTES:
                    raise Unbuildable(f"the package has more than {MAX_FILES} files or {MAX_BYTES // 2**30} GiB")
                _unpack_member(tar, member, destination)
    except (tarfile.TarError, EOFError, ValueError):
        raise Unbuildable("the archive from the sandbox is not a readable tar") from None


def _unpack_member(tar: tarfile.TarFile, member: tarfile.TarInfo, destination: Path) -> None:
    name = member.name[:200]
    parts = [part for part in PurePosixPath(member.name).parts if part != "."]
    if not member.isreg() or not parts:
        raise Unbuildable(f"the package has {name!r}, which is not a plain file")
    if why := path_problem("/".join(parts)):
        raise Unbuildable(f"the package has the file {name!r}: {why}; rename it, or leave it out")
    target = destination.joinpath(*parts)
    if target.exists():
        raise Unbuildable(f"the package has the file {name!r} twice")
    content = tar.extractfile(member)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        raise Unbuildable(f"the package has {name!r} below a file") from None
    with target.open("xb") as out:
        if content is not None:
            shutil.copyfileobj(content, out, 1024 * 1024)
    target.chmod(0o755 if member.mode & 0o100 else 0o644)


def unit_artifacts(staged: Path, platform: PlatformName) -> tuple[Artifact, ...]:
    """Return the staged files with names of a platform's binaries; the audit checks their contents."""
    paths = {path.relative_to(staged).as_posix(): path for path in staged.rglob("*") if path.is_file()}
    return tuple(
        Artifact(file=name, bytes=path.stat().st_size, sha256=sha256_of(path))
        for name, path in sorted(paths.items())
        if _is_binary_of(name, platform)
    )


def _is_binary_of(name: str, platform: PlatformName) -> bool:
    if platform == "wasm32":
        return name.endswith(".wasm")
    return name.endswith(f".{platform}.node") or name.startswith(f"bin/{platform}/")
