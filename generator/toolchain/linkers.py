"""Linkers for other platforms on this machine: zig, Microsoft's libraries and Apple's SDK."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.errors import CratematrixError
from generator.toolchain.mounts import MOUNT_ROOT, SYSTEM_PATH, Mount, ask_program, find_program, is_in_usr
from generator.toolchain.toolchain import XWIN_ARCHITECTURES, Program

# Build tools for C that dependencies need: a sandbox sees only those of the system.
_SYSTEM_PROGRAMS: Final[tuple[Program, ...]] = ("clang", "cmake")


@dataclass(frozen=True)
class Linkers:
    """Installed linkers: programs by name, mounts for a sandbox, and `versions` for the build cache.

    `windows` are the processors that there are Microsoft's libraries for.
    """

    programs: frozenset[Program] = frozenset()
    windows: frozenset[str] = frozenset()
    mounts: tuple[Mount, ...] = ()
    versions: tuple[str, ...] = ()

    @property
    def apple_sdk(self) -> bool:
        """True with an SDK of Apple's."""
        return any(mount.variable == "SDKROOT" for mount in self.mounts)


def find_linkers(environ: Mapping[str, str]) -> Linkers:
    """Find zig with cargo-zigbuild, cargo-xwin with its libraries, Apple's SDK, and build tools for C."""
    system = {name for name in _SYSTEM_PROGRAMS if shutil.which(name, path=":".join(SYSTEM_PATH))}
    found = [linkers for find in (_zig, _xwin, _apple_sdk) if (linkers := _working(find, environ))]
    return Linkers(
        programs=frozenset(system).union(*(linkers.programs for linkers in found)),
        windows=frozenset[str]().union(*(linkers.windows for linkers in found)),
        mounts=tuple(mount for linkers in found for mount in linkers.mounts),
        versions=tuple(version for linkers in found for version in linkers.versions),
    )


def _working(find: Callable[[Mapping[str, str]], Linkers], environ: Mapping[str, str]) -> Linkers | None:
    """Return None for a program that fails to print its version."""
    try:
        return find(environ)
    except CratematrixError:
        return None


def _zig(environ: Mapping[str, str]) -> Linkers:
    """Find cargo-zigbuild, and a zig of the system or one with its library in the same directory."""
    zigbuild = find_program("cargo-zigbuild", environ)
    candidates = (path.resolve() for path in _zig_candidates(zigbuild, environ)) if zigbuild else ()
    zig = next((path for path in candidates if is_in_usr(path) or (path.parent / "lib" / "std").is_dir()), None)
    if zigbuild is None or zig is None:
        return Linkers()
    mounts = (
        Mount(zigbuild, f"{MOUNT_ROOT}/bin/cargo-zigbuild"),
        Mount(zig.parent, f"{MOUNT_ROOT}/zig", "CARGO_ZIGBUILD_ZIG_PATH", zig.name),
    )
    versions = (f"zig {ask_program([zig, 'version'], environ)}", ask_program([zigbuild, "--version"], environ))
    return Linkers(frozenset[Program]({"cargo-zigbuild"}), mounts=mounts, versions=versions)


def _zig_candidates(zigbuild: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield each zig: the variable's, PATH's, and the `ziglang` package of cargo-zigbuild's or PATH's Python."""
    if named := environ.get("CARGO_ZIGBUILD_ZIG_PATH"):
        yield Path(named)
    if on_path := find_program("zig", environ):
        yield on_path
    for python in (zigbuild.parent / "python3", find_program("python3", environ)):
        if python and python.exists():
            try:
                yield Path(ask_program([python, "-c", "import ziglang; print(ziglang.__path__[0])"], environ)) / "zig"
            except CratematrixError:
                continue


def _xwin(environ: Mapping[str, str]) -> Linkers:
    cache = Path(environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "/"), ".cache")) / "cargo-xwin"
    libraries = Path(environ.get("XWIN_CACHE_DIR") or cache).resolve()
    xwin = find_program("cargo-xwin", environ)
    if xwin is None or not all((libraries / "xwin" / part).is_dir() for part in ("crt", "sdk")):
        return Linkers()
    mounts = (Mount(xwin, f"{MOUNT_ROOT}/bin/cargo-xwin"), Mount(libraries, f"{MOUNT_ROOT}/xwin", "XWIN_CACHE_DIR"))
    # Each processor's libraries have directories of their own.
    parts = ("crt/lib", "sdk/lib/um")
    windows = frozenset(
        cpu
        for cpu, name in XWIN_ARCHITECTURES.items()
        if all((libraries / "xwin" / part / name).is_dir() for part in parts)
    )
    version = ask_program([xwin, "--version"], environ)
    return Linkers(frozenset[Program]({"cargo-xwin"}), windows, mounts, (version,))


def _apple_sdk(environ: Mapping[str, str]) -> Linkers:
    sdk = Path(environ.get("SDKROOT") or "/nonexistent").resolve()
    if not (sdk / "System/Library/Frameworks").is_dir():
        return Linkers()
    return Linkers(mounts=(Mount(sdk, f"{MOUNT_ROOT}/sdk", "SDKROOT"),), versions=(sdk.name,))
