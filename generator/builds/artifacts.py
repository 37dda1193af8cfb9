"""Taking files out of a sandbox: everything in the tar is hostile until it is checked."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import Final

from generator.errors import Unbuildable
from generator.files.digest import sha256_of
from generator.files.portable_names import path_problem
from generator.platforms import PlatformName, is_binary_of
from generator.reports.models import Artifact

MAX_FILES: Final = 10_000
MAX_BYTES: Final = 2 * 1024 * 1024 * 1024


def unpack(archive: Path, destination: Path) -> None:
    """Unpack regular files below `destination`; Unbuildable at the first thing that is anything else."""
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
                _unpack_one(tar, member, destination)
    except (tarfile.TarError, EOFError, ValueError):
        raise Unbuildable("what came out of the sandbox is not a readable tar") from None


def _unpack_one(tar: tarfile.TarFile, member: tarfile.TarInfo, destination: Path) -> None:
    parts = [part for part in PurePosixPath(member.name).parts if part != "."]
    if not member.isreg() or not parts:
        raise Unbuildable(f"the build left {member.name[:200]!r} in its package: only plain files may be")
    if why := path_problem("/".join(parts)):
        raise Unbuildable(f"the build left {member.name[:200]!r} in its package: {why}; rename it, or leave it out")
    target = destination.joinpath(*parts)
    if target.exists():
        raise Unbuildable(f"the build left {member.name[:200]!r} in its package twice")
    content = tar.extractfile(member)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        raise Unbuildable(f"the build left {member.name[:200]!r} below a file") from None
    with target.open("xb") as out:
        if content is not None:
            shutil.copyfileobj(content, out, 1024 * 1024)
    target.chmod(0o755 if member.mode & 0o100 else 0o644)


def unit_artifacts(staged: Path, platform: PlatformName) -> tuple[Artifact, ...]:
    """Return what is named as a platform's binaries among the staged files; what they are is for the audit."""
    paths = {path.relative_to(staged).as_posix(): path for path in staged.rglob("*") if path.is_file()}
    return tuple(
        Artifact(file=name, bytes=path.stat().st_size, sha256=sha256_of(path))
        for name, path in sorted(paths.items())
        if is_binary_of(name, platform)
    )
