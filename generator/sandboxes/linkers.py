"""What links for other platforms on this machine: zig, Microsoft's libraries and Apple's SDK, where they really lie."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.equipment import Program
from generator.errors import CratematrixError
from generator.processes import output
from generator.sandboxes.bubblewrap import Bind

ASK_SECONDS: Final = 30

# Where a sandbox's system programs lie.
SYSTEM_PATH: Final = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")

INSIDE: Final = "/opt/cross"
# Compilers of C that dependencies ask for: a sandbox sees the system's own only.
_SYSTEM_PROGRAMS: Final[tuple[Program, ...]] = ("clang", "cmake")


@dataclass(frozen=True)
class Place:
    """A program or directory of the host, where a sandbox sees it, and the variable that tells programs so.

    `program` is the file in the directory that the variable names, where it names one. `parts` are patterns of what of
    the directory a sandbox sees, all of it where there are none: a prefix may be somebody's ~/.local, or the root.
    """

    source: Path
    inside: str
    variable: str | None = None
    program: str = ""
    parts: tuple[str, ...] = ()

    @property
    def binds(self) -> tuple[Bind, ...]:
        """What a sandbox that has /usr needs besides."""
        if in_usr(self.source):
            return ()
        if not self.parts:
            return (Bind(str(self.source), self.inside),)
        found = sorted({each for part in self.parts for each in self.source.glob(part) if each.exists()})
        return tuple(Bind(str(each), f"{self.inside}/{each.relative_to(self.source)}") for each in found)

    def told(self, isolated: bool) -> str:
        """Return the value of the variable."""
        where = self.inside if isolated and not in_usr(self.source) else str(self.source)
        return f"{where}/{self.program}" if self.program else where


@dataclass(frozen=True)
class Linkers:
    """What was found: programs by name, and every place that a sandbox must see; `versions` is for receipts."""

    programs: frozenset[Program] = frozenset()
    places: tuple[Place, ...] = ()
    versions: tuple[str, ...] = ()

    @property
    def apple_sdk(self) -> bool:
        """Whether there is an SDK of Apple's."""
        return any(place.variable == "SDKROOT" for place in self.places)

    @property
    def binds(self) -> tuple[Bind, ...]:
        """What a sandbox that has /usr needs besides."""
        return tuple(bind for each in self.places for bind in each.binds)

    @property
    def path(self) -> tuple[str, ...]:
        """The directory of the programs, for the PATH of an isolated sandbox."""
        return (f"{INSIDE}/bin",) if any(bind.target.startswith(f"{INSIDE}/bin/") for bind in self.binds) else ()

    def variables(self, isolated: bool) -> dict[str, str]:
        """Return what tells programs where things lie."""
        return {each.variable: each.told(isolated) for each in self.places if each.variable}


def find_linkers(environ: Mapping[str, str]) -> Linkers:
    """Look for zig with cargo-zigbuild, cargo-xwin with its libraries, Apple's SDK, and compilers of C."""
    system = {name for name in _SYSTEM_PROGRAMS if shutil.which(name, path=":".join(SYSTEM_PATH))}
    found = [each for find in (_zig, _xwin, _apple_sdk) if (each := _working(find, environ))]
    return Linkers(
        programs=frozenset(system).union(*(each.programs for each in found)),
        places=tuple(place for each in found for place in each.places),
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
    zigbuild = program("cargo-zigbuild", environ)
    zigs = (each.resolve() for each in _zigs(zigbuild, environ)) if zigbuild else ()
    zig = next((each for each in zigs if in_usr(each) or (each.parent / "lib" / "std").is_dir()), None)
    if zigbuild is None or zig is None:
        return Linkers()
    places = (
        Place(zigbuild, f"{INSIDE}/bin/cargo-zigbuild"),
        Place(zig.parent, f"{INSIDE}/zig", "CARGO_ZIGBUILD_ZIG_PATH", zig.name),
    )
    versions = (f"zig {ask([zig, 'version'], environ)}", ask([zigbuild, "--version"], environ))
    return Linkers(frozenset[Program]({"cargo-zigbuild"}), places, versions)


def _zigs(zigbuild: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    """Every zig there may be: named, on PATH, or the Python package of it beside cargo-zigbuild or of PATH's Python."""
    if named := environ.get("CARGO_ZIGBUILD_ZIG_PATH"):
        yield Path(named)
    if on_path := program("zig", environ):
        yield on_path
    for python in (zigbuild.parent / "python3", program("python3", environ)):
        if python and python.exists():
            try:
                yield Path(ask([python, "-c", "import ziglang; print(ziglang.__path__[0])"], environ)) / "zig"
            except CratematrixError:
                continue


def _xwin(environ: Mapping[str, str]) -> Linkers:
    cache = Path(environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "/"), ".cache")) / "cargo-xwin"
    libraries = Path(environ.get("XWIN_CACHE_DIR") or cache).resolve()
    xwin = program("cargo-xwin", environ)
    if xwin is None or not all((libraries / "xwin" / part).is_dir() for part in ("crt", "sdk")):
        return Linkers()
    places = (Place(xwin, f"{INSIDE}/bin/cargo-xwin"), Place(libraries, f"{INSIDE}/xwin", "XWIN_CACHE_DIR"))
    return Linkers(frozenset[Program]({"cargo-xwin"}), places, (ask([xwin, "--version"], environ),))


def _apple_sdk(environ: Mapping[str, str]) -> Linkers:
    sdk = Path(environ.get("SDKROOT") or "/nonexistent").resolve()
    if not (sdk / "System/Library/Frameworks").is_dir():
        return Linkers()
    return Linkers(places=(Place(sdk, f"{INSIDE}/sdk", "SDKROOT"),), versions=(sdk.name,))


def program(name: str, environ: Mapping[str, str]) -> Path | None:
    """Find a program by `environ`'s PATH."""
    found = shutil.which(name, path=environ.get("PATH", os.defpath))
    return Path(found).absolute() if found else None


def ask(argv: Sequence[str | Path], environ: Mapping[str, str]) -> str:
    """Ask a program a question; CratematrixError when it does not answer."""
    words = [str(each) for each in argv]
    return output(words, timeout=ASK_SECONDS, cwd=Path("/"), env=environ).decode(errors="replace").strip()


def in_usr(path: Path) -> bool:
    """Whether every sandbox sees it anyway."""
    return path.is_relative_to("/usr")
