"""What links for other platforms on this machine: zig, Microsoft's libraries and Apple's SDK, where they really lie."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.errors import CratematrixError
from generator.toolchain.mounts import INSIDE, SYSTEM_PATH, Mount, ask_program, find_program, is_in_usr
from generator.toolchain.toolchain import Program

# Compilers of C that dependencies ask for: a sandbox sees the system's own only.
_SYSTEM_PROGRAMS: Final[tuple[Program, ...]] = ("clang", "cmake")


@dataclass(frozen=True)
class Linkers:
    """What was found: programs by name, and every place that a sandbox must see; `versions` is for receipts."""

    programs: frozenset[Program] = frozenset()
    mounts: tuple[Mount, ...] = ()
    versions: tuple[str, ...] = ()

    @property
    def apple_sdk(self) -> bool:
        """Whether there is an SDK of Apple's."""
        return any(place.variable == "SDKROOT" for place in self.mounts)


def find_linkers(environ: Mapping[str, str]) -> Linkers:
    """Look for zig with cargo-zigbuild, cargo-xwin with its libraries, Apple's SDK, and compilers of C."""
    system = {name for name in _SYSTEM_PROGRAMS if shutil.which(name, path=":".join(SYSTEM_PATH))}
    found = [each for find in (_zig, _xwin, _apple_sdk) if (each := _working(find, environ))]
    return Linkers(
        programs=frozenset(system).union(*(each.programs for each in found)),
        mounts=tuple(place for each in found for place in each.mounts),
        versions=tuple(version for each in found for version in each.versions),
    )


def _working(find: Callable[[Mapping[str, str]], Linkers], environ: Mapping[str, str]) -> Linkers | None:
    """What does not even say its version is as good as missing."""
    try:
        return find(environ)
    except CratematrixError:
        return None


def _zig(environ: Mapping[str, str]) -> Linkers:
    """Find cargo-zigbuild and a zig with its library beside it, or a system's own."""
    zigbuild = find_program("cargo-zigbuild", environ)
    zigs = (each.resolve() for each in _zigs(zigbuild, environ)) if zigbuild else ()
    zig = next((each for each in zigs if is_in_usr(each) or (each.parent / "lib" / "std").is_dir()), None)
    if zigbuild is None or zig is None:
        return Linkers()
    places = (
        Mount(zigbuild, f"{INSIDE}/bin/cargo-zigbuild"),
        Mount(zig.parent, f"{INSIDE}/zig", "CARGO_ZIGBUILD_ZIG_PATH", zig.name),
    )
    versions = (f"zig {ask_program([zig, 'version'], environ)}", ask_program([zigbuild, "--version"], environ))
    return Linkers(frozenset[Program]({"cargo-zigbuild"}), places, versions)


def _zigs(zigbuild: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    """Every zig there may be: named, on PATH, or the Python package of it beside cargo-zigbuild or of PATH's Python."""
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
    places = (Mount(xwin, f"{INSIDE}/bin/cargo-xwin"), Mount(libraries, f"{INSIDE}/xwin", "XWIN_CACHE_DIR"))
    return Linkers(frozenset[Program]({"cargo-xwin"}), places, (ask_program([xwin, "--version"], environ),))


def _apple_sdk(environ: Mapping[str, str]) -> Linkers:
    sdk = Path(environ.get("SDKROOT") or "/nonexistent").resolve()
    if not (sdk / "System/Library/Frameworks").is_dir():
        return Linkers()
    return Linkers(mounts=(Mount(sdk, f"{INSIDE}/sdk", "SDKROOT"),), versions=(sdk.name,))
