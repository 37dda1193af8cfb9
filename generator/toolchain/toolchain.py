"""What a machine builds with besides the host's own compiler, and which platforms that is enough for: pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from generator.platforms import PLATFORMS, Kind, PlatformName

# Who links: the host's own compiler driver, zig (with its libc of every platform), Microsoft's libraries through
# xwin, or Rust's own linker for wasm.
Linker = Literal["cc", "zig", "xwin", "wasm"]
# What is looked for besides: cargo-zigbuild stands for zig too, cargo-xwin for Microsoft's libraries too.
Program = Literal["cargo-zigbuild", "cargo-xwin", "clang", "cmake"]

# Rust keeps the triple for JavaScript's own engine apart from the one with threads and files, which napi needs:
# https://napi.rs/docs/concepts/webassembly
WASI_TARGET: Final = "wasm32-wasip1-threads"

# What measures coverage, and the oldest Rust that it takes, as its own Cargo.toml says.
LLVM_COV_VERSION: Final = "0.9.1"
LLVM_COV_RUST: Final = (1, 87)

_GET_ZIG: Final = "run `pip install ziglang cargo-zigbuild`"
_GET_XWIN: Final = (
    "run `pip install cargo-xwin`, then `XWIN_ARCH=x86_64 cargo-xwin cache xwin`, which accepts Microsoft's licence"
)


@dataclass(frozen=True)
class Runtime:
    """What runs another platform's programs: `name` has its version, `command` are the words before a program.

    `node` is the platform's own Node.js, of `node_version`, None where there is none; `environment` is for whatever is
    run so.
    """

    name: str
    command: tuple[str, ...] = ()
    node: str | None = None
    node_version: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Toolchain:
    """What sandboxes find on a machine that runs packages of `host`.

    `targets` are the Rust targets whose standard library is there; `apple_sdk` says whether SDKROOT names an SDK of
    Apple's; `no_coverage` says why coverage cannot be measured and what to run, None if it can; `runtimes` run programs
    of other platforms.
    """

    host: PlatformName
    targets: frozenset[str]
    programs: frozenset[Program] = frozenset()
    apple_sdk: bool = False
    no_coverage: str | None = None
    runtimes: Mapping[PlatformName, Runtime] = field(default_factory=dict)

    def linker(self, platform: PlatformName) -> Linker:
        """Return who links for a platform: for glibc zig, where it is there, because it can link for an old one."""
        system = PLATFORMS[platform].os
        if system == "wasm":
            return "wasm"
        if system == "win32":
            return "xwin"
        if platform == self.host and not (PLATFORMS[platform].libc == "glibc" and "cargo-zigbuild" in self.programs):
            return "cc"
        return "cc" if system == "darwin" == PLATFORMS[self.host].os else "zig"

    def runtime(self, platform: PlatformName) -> Runtime | None:
        """Return what runs programs of another platform than the host; those that bring their libc need nothing."""
        known, host = PLATFORMS[platform], PLATFORMS[self.host]
        if known.libc == "musl" and (known.os, known.cpu) == (host.os, host.cpu):
            return Runtime("this machine's kernel")
        return self.runtimes.get(platform)

    def target(self, kind: Kind, platform: PlatformName) -> str:
        """Return the Rust target of a platform; an addon's wasm has threads and files, by WASI."""
        return WASI_TARGET if (kind, platform) == ("napi", "wasm32") else PLATFORMS[platform].target


def unmet_need(kind: Kind, platform: PlatformName, toolchain: Toolchain) -> str | None:
    """Return everything that keeps a machine from building for a platform, and what to run; None if it can."""
    target, linker = missing_target(kind, platform, toolchain), missing_linker(platform, toolchain)
    wants = ([missing_library([target])] if target else []) + ([f"{platform} is {linker}"] if linker else [])
    return "; ".join(wants) or None


def missing_target(kind: Kind, platform: PlatformName, toolchain: Toolchain) -> str | None:
    """Return the Rust target of a platform where its standard library is not there; the host's always is."""
    target = toolchain.target(kind, platform)
    return None if platform == toolchain.host or target in toolchain.targets else target


def missing_linker(platform: PlatformName, toolchain: Toolchain) -> str | None:
    """Return by what a platform is linked where that is not there, and what to run."""
    linker = toolchain.linker(platform)
    if linker == "zig" and "cargo-zigbuild" not in toolchain.programs:
        return f"linked by zig and cargo-zigbuild, which are not installed: {_GET_ZIG}"
    if linker == "xwin" and "cargo-xwin" not in toolchain.programs:
        return f"linked by cargo-xwin with Microsoft's libraries, which are not installed: {_GET_XWIN}"
    return None


def missing_library(targets: Sequence[str]) -> str:
    """Say that the standard library for these targets is not there, and what to run."""
    fix = f"run `rustup target add {' '.join(targets)}`"
    return f"Rust's standard library for {', '.join(targets)} is not installed: {fix}"


def unmet_dependency(platform: PlatformName, packages: Collection[str], toolchain: Toolchain) -> str | None:
    """Return why a crate with these dependencies cannot be built for a foreign platform, or None.

    `packages` are the names of what Cargo compiles for it, build scripts' dependencies included. Looked at before
    anything is compiled, because each of these fails late and says little.
    """
    linker, system = toolchain.linker(platform), PLATFORMS[platform].os
    frameworks = sorted(_FRAMEWORKS.intersection(packages))
    if frameworks and system == "darwin" and linker == "zig" and not toolchain.apple_sdk:
        return f"{frameworks[0]} links Apple's frameworks, which are not here: set SDKROOT to an SDK of macOS"
    if platform != toolchain.host and "openssl-sys" in packages and "openssl-src" not in packages:
        return f"openssl-sys needs OpenSSL for {platform}, which is not here: enable the crate's feature `vendored`"
    if linker in ("xwin", "wasm") and "cc" in packages and "clang" not in toolchain.programs:
        return f"it compiles C for {platform}, which needs clang: install clang and lld"
    if "cmake" in packages and "cmake" not in toolchain.programs:
        return "it compiles C with cmake, which is not installed: install cmake"
    return None


# What links to a framework or to a library that Apple's SDK alone has; zig brings libSystem only.
_FRAMEWORKS: Final = frozenset(
    {
        *("core-foundation-sys", "core-graphics", "core-text", "core-video-sys", "coreaudio-sys", "coremidi-sys"),
        *("security-framework-sys", "system-configuration-sys", "io-kit-sys", "fsevent-sys", "metal", "objc"),
        *("objc-sys", "objc2", "cocoa", "apple-security-framework-sys", "accelerate-src"),
    }
)
