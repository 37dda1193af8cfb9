"""The nine platforms in napi's names: the kinds of crates for each, and the file names of binaries."""

from __future__ import annotations

import platform as machine
import sys
from dataclasses import dataclass
from typing import Final, Literal, get_args

PlatformName = Literal[
    "linux-x64-gnu",
    "linux-x64-musl",
    "linux-arm64-gnu",
    "linux-arm64-musl",
    "darwin-x64",
    "darwin-arm64",
    "win32-x64-msvc",
    "win32-arm64-msvc",
    "wasm32",
]
Kind = Literal["napi", "wasm", "bin", "lib"]

PLATFORM_NAMES: Final[tuple[PlatformName, ...]] = get_args(PlatformName)
NATIVE: Final[tuple[PlatformName, ...]] = tuple(name for name in PLATFORM_NAMES if name != "wasm32")
# A manifest without `platforms` builds these. Add every later platform to the exclusion: no existing package changes.
DEFAULT_PLATFORMS: Final[tuple[PlatformName, ...]] = tuple(
    name for name in PLATFORM_NAMES if name not in ("linux-arm64-musl", "win32-arm64-msvc")
)
# The other platforms that napi's command line knows: https://napi.rs/docs/cli/napi-config
OTHERS_OF_NAPI: Final[frozenset[str]] = frozenset(
    {
        *(
            "android-arm-eabi",
            "android-arm64",
            "darwin-universal",
            "freebsd-arm64",
            "freebsd-x64",
            "linux-arm-gnueabihf",
        ),
        *("linux-arm-musleabihf", "linux-loong64-gnu", "linux-ppc64-gnu", "linux-riscv64-gnu", "linux-riscv64-musl"),
        *("linux-s390x-gnu", "openharmony-arm64", "openharmony-x64", "win32-ia32-msvc", "win32-x64-gnu"),
    }
)


@dataclass(frozen=True)
class Platform:
    """A platform: its Rust target, and npm's `os`, `cpu` and, for Linux only, `libc`."""

    name: PlatformName
    target: str
    os: str
    cpu: str
    libc: str | None = None


PLATFORMS: Final[dict[PlatformName, Platform]] = {
    each.name: each
    for each in (
        Platform("linux-x64-gnu", "x86_64-unknown-linux-gnu", "linux", "x64", "glibc"),
        Platform("linux-x64-musl", "x86_64-unknown-linux-musl", "linux", "x64", "musl"),
        Platform("linux-arm64-gnu", "aarch64-unknown-linux-gnu", "linux", "arm64", "glibc"),
        Platform("linux-arm64-musl", "aarch64-unknown-linux-musl", "linux", "arm64", "musl"),
        Platform("darwin-x64", "x86_64-apple-darwin", "darwin", "x64"),
        Platform("darwin-arm64", "aarch64-apple-darwin", "darwin", "arm64"),
        Platform("win32-x64-msvc", "x86_64-pc-windows-msvc", "win32", "x64"),
        Platform("win32-arm64-msvc", "aarch64-pc-windows-msvc", "win32", "arm64"),
        Platform("wasm32", "wasm32-unknown-unknown", "wasm", "wasm32"),
    )
}

# The oldest macOS that Rust 1.74 and later supports is 10.12: https://doc.rust-lang.org/rustc/platform-support/
# apple-darwin.html; Node 16 and later, and napi's own packages, require 10.13. ARM starts at 11.0.
OLDEST_MACOS: Final[dict[str, str]] = {"x64": "10.13", "arm64": "11.0"}

PLATFORMS_OF_KIND: Final[dict[Kind, tuple[PlatformName, ...]]] = {
    "napi": PLATFORM_NAMES,
    "wasm": ("wasm32",),
    "bin": NATIVE,
    "lib": NATIVE,
}

# Before and after the name of a library in the file name that Cargo gives a cdylib.
_LIBRARY_NAMES: Final = {"linux": ("lib", ".so"), "darwin": ("lib", ".dylib"), "win32": ("", ".dll")}

UNSUPPORTED_REASONS: Final[dict[Kind, str]] = {
    "napi": "an addon runs on every platform",
    "wasm": "a wasm-bindgen crate is one package that runs everywhere: wasm32 only",
    "bin": "a command-line program cannot run on wasm32",
    "lib": "a library is compiled and tested on native platforms only",
}


def host_platform() -> PlatformName | None:
    """Return the platform of this machine, or None where nothing can be built locally, as on Windows or 32 bits."""
    if not _is_unix():
        return None
    cpu = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(machine.machine().lower())
    if sys.platform == "darwin":
        name = f"darwin-{cpu}"
    elif sys.platform == "linux":
        name = f"linux-{cpu}-{'gnu' if machine.libc_ver()[0] == 'glibc' else 'musl'}"
    else:
        return None
    return next((known for known in PLATFORM_NAMES if known == name), None)


def _is_unix() -> bool:
    """Return True where Python has the parts of Unix that local sandboxes are made of."""
    try:
        import fcntl  # noqa: F401, PLC0415
        import resource  # noqa: F401, PLC0415
    except ImportError:
        return False
    return True


def glibc_of(platform: PlatformName) -> PlatformName | None:
    """Return the platform with glibc on which static programs of a platform with musl run, too."""
    known = PLATFORMS[platform]
    if known.libc != "musl":
        return None
    return next(
        each.name for each in PLATFORMS.values() if (each.os, each.cpu, each.libc) == (known.os, known.cpu, "glibc")
    )


def program_file(name: str, platform: PlatformName) -> str:
    """Return the file name of a program."""
    return f"{name}.exe" if PLATFORMS[platform].os == "win32" else name


def library_file(name: str, platform: PlatformName) -> str:
    """Return the file name that Cargo gives a cdylib; `name` is that of the crate's module."""
    prefix, suffix = _LIBRARY_NAMES[PLATFORMS[platform].os]
    return f"{prefix}{name}{suffix}"


def addon_file(name: str, platform: PlatformName) -> str:
    """Return the file name that napi gives an addon."""
    return f"{name}.wasm32-wasi.wasm" if platform == "wasm32" else f"{name}.{platform}.node"


def program_directory(platform: PlatformName) -> str:
    """Return the directory of a platform's programs among the staged files."""
    return f"bin/{platform}"


def is_binary_of(path: str, platform: PlatformName) -> bool:
    """Return True if the name of a staged file says that it is a binary of a platform."""
    if platform == "wasm32":
        return path.endswith(".wasm")
    return path.endswith(addon_file("", platform)) or path.startswith(f"{program_directory(platform)}/")
