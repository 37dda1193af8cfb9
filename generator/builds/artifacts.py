"""Taking files out of a sandbox: everything in the tar is hostile until it is checked."""

from __future__ import annotations

import hashlib
import re
import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import Final

from generator.errors import Unbuildable
from generator.platforms import PLATFORMS, PlatformName
from generator.reports.models import Artifact

MAX_FILES: Final = 10_000
MAX_BYTES: Final = 2 * 1024 * 1024 * 1024
# What npm, Windows and macOS all store: no control characters, no backslash, no drive or stream colon.
_PART: Final = re.compile(r"^[A-Za-z0-9@_+()\[\] .,~$!-]{1,200}$")

# The first bytes of each platform's binaries and, for ELF, the machine at offset 18 (little endian).
_ELF_MACHINE: Final[dict[str, bytes]] = {"x64": b"\x3e\x00", "arm64": b"\xb7\x00"}
_MACH_O: Final[dict[str, bytes]] = {
    "x64": b"\xcf\xfa\xed\xfe\x07\x00\x00\x01",
    "arm64": b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01",
}


def digest_of(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
    if not member.isreg() or not parts or ".." in parts or not all(map(_PART.fullmatch, parts)):
        raise Unbuildable(
            f"the build left {member.name[:200]!r} in its package: only plain files with plain names may be"
        )
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
    """Return a platform's binaries among the staged files; Unbuildable when one is of another format or machine."""
    found = []
    for path in sorted(each for each in staged.rglob("*") if each.is_file()):
        name = path.relative_to(staged).as_posix()
        if not _is_binary_of(name, platform):
            continue
        if not _is_format_of(path, platform):
            raise Unbuildable(f"{name} is not a {platform} binary")
        found.append(Artifact(file=name, bytes=path.stat().st_size, sha256=digest_of(path)))
    return tuple(found)


def _is_binary_of(name: str, platform: PlatformName) -> bool:
    if platform == "wasm32":
        return name.endswith(".wasm")
    return name.endswith(f".{platform}.node") or name.startswith(f"bin/{platform}/")


def _is_format_of(path: Path, platform: PlatformName) -> bool:
    with path.open("rb") as file:
        head = file.read(64)
    known = PLATFORMS[platform]
    match known.os:
        case "linux":
            return head[:4] == b"\x7fELF" and head[18:20] == _ELF_MACHINE[known.cpu]
        case "darwin":
            return head[:8] == _MACH_O[known.cpu]
        case "win32":
            return head[:2] == b"MZ"
        case _:
            return head[:4] == b"\0asm"
