"""A pure model of a machine's toolchain, and of the platforms that it can build for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from generator.platforms import PLATFORMS, Kind, PlatformName

# Linkers: the host's own compiler driver, zig with a libc for every platform, cargo-xwin with Microsoft's libraries,
# and Rust's own linker for wasm.
Linker = Literal["cc", "zig", "xwin", "wasm"]
# Optional programs: cargo-zigbuild includes zig, and cargo-xwin includes Microsoft's libraries.
Program = Literal["cargo-zigbuild", "cargo-xwin", "clang", "cmake"]

# napi needs the target with threads and files, which is not the one for browsers:
# https://napi.rs/docs/concepts/webassembly
WASI_TARGET: Final = "wasm32-wasip1-threads"

# The version of cargo-llvm-cov, and its minimum Rust version by its own Cargo.toml.
LLVM_COV_VERSION: Final = "0.9.1"
LLVM_COV_RUST: Final = (1, 87)

# cargo-xwin's names of processors.
XWIN_ARCHITECTURES: Final = {"x64": "x86_64", "arm64": "aarch64"}
GET_ZIG: Final = "pip install ziglang cargo-zigbuild"
GET_XWIN: Final = f"pip install cargo-xwin && XWIN_ARCH={','.join(XWIN_ARCHITECTURES.values())} cargo-xwin cache xwin"
_GET_ZIG: Final = f"run `{GET_ZIG}`"
_GET_XWIN: Final = (
    f"run `pip install cargo-xwin`, then `XWIN_ARCH={','.join(XWIN_ARCHITECTURES.values())} cargo-xwin cache xwin`, "
    "which accepts Microsoft's licence"
)


@dataclass(frozen=True)
class Runtime:
    """A program that runs another platform's programs: `name` includes its version, `command` goes before a program.

    `node` is the path of the platform's own Node.js, or None. `environment` holds variables for the programs.
    """

    name: str
    command: tuple[str, ...] = ()
    node: str | None = None
    node_version: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RustChannel:
    """A Rust: its channel's name, its version, the directory of its programs in a sandbox, and its Rust targets."""

    name: str
    version: str
    programs: str
    targets: frozenset[str]


@dataclass(frozen=True)
class Toolchain:
    """The tools in sandboxes of a machine whose platform is `host`.

    `targets` are the Rust targets with an installed standard library. `windows` are the processors that cargo-xwin has
    Microsoft's libraries for. `apple_sdk` is True when SDKROOT names an SDK of
    Apple's. `no_coverage` is the reason and the fix when coverage cannot be measured. `runtimes` run programs of other
    platforms. `rust_version` is the version of Rust, where it is known. `channels` are further Rusts, and `channel` is
    the one of them that is used.
    """

    host: PlatformName
    targets: frozenset[str]
    programs: frozenset[Program] = frozenset()
    windows: frozenset[str] = frozenset({"x64"})
    apple_sdk: bool = False
    no_coverage: str | None = None
    runtimes: Mapping[PlatformName, Runtime] = field(default_factory=dict)
    rust_version: str | None = None
    channels: tuple[RustChannel, ...] = ()
    channel: RustChannel | None = None

    def with_channel(self, name: str) -> Toolchain | None:
        """Return the toolchain with the Rust of a channel, or None when it is not installed."""
        if all(each.name != name for each in self.channels):
            name = _without_triple(name, PLATFORMS[self.host].target)
        if _is_of_channel(name, self.rust_version or "stable"):
            return self
        found = next((each for each in self.channels if each.name == name), None)
        found = found or next((each for each in self.channels if _is_of_channel(name, each.version)), None)
        if found is None:
            return None
        return replace(
            self,
            targets=found.targets,
            no_coverage=f"coverage is measured with the default Rust alone, not with {found.name}",
            rust_version=found.version,
            channel=found,
        )

    def linker(self, platform: PlatformName) -> Linker:
        """Return the linker for a platform. For glibc this is zig if installed: it can link for an old version."""
        system = PLATFORMS[platform].os
        if system == "wasm":
            return "wasm"
        if system == "win32":
            return "xwin"
        if platform == self.host and not (PLATFORMS[platform].libc == "glibc" and "cargo-zigbuild" in self.programs):
            return "cc"
        return "cc" if system == "darwin" == PLATFORMS[self.host].os else "zig"

    def runtime(self, platform: PlatformName) -> Runtime | None:
        """Return the runtime for programs of a platform; musl programs of this processor need only the kernel."""
        wanted, host = PLATFORMS[platform], PLATFORMS[self.host]
        if wanted.libc == "musl" and (wanted.os, wanted.cpu) == (host.os, host.cpu):
            return Runtime("this machine's kernel")
        return self.runtimes.get(platform)

    def target(self, kind: Kind, platform: PlatformName) -> str:
        """Return the Rust target of a platform; an addon for wasm32 uses WASI with threads."""
        return WASI_TARGET if (kind, platform) == ("napi", "wasm32") else PLATFORMS[platform].target


def unmet_need(kind: Kind, platform: PlatformName, toolchain: Toolchain) -> str | None:
    """Return all tools that a machine lacks for a platform, with the commands that install them, or None."""
    target, linker = missing_target(kind, platform, toolchain), missing_linker(platform, toolchain)
    needs = ([missing_library([target])] if target else []) + ([f"{platform} is {linker}"] if linker else [])
    return "; ".join(needs) or None


def _is_of_channel(name: str, version: str) -> bool:
    """Return True if a version, such as 1.85.0 or 1.96.0-nightly, is the channel's or one of its releases."""
    if name in ("beta", "nightly"):
        return f"-{name}" in version
    return "-" not in version and (name in ("stable", version) or version.startswith(f"{name}."))


def _without_triple(name: str, host: str) -> str:
    """Return a channel's name without the host's triple, or parts of it, which rustup accepts behind a channel."""
    processor, vendor, system, *libc = host.split("-")
    for part in (*libc, f"{vendor}-{system}", processor):
        name = name.removesuffix(f"-{part}")
    return name


def missing_target(kind: Kind, platform: PlatformName, toolchain: Toolchain) -> str | None:
    """Return the Rust target of a platform if its standard library is not installed; the host's always is."""
    target = toolchain.target(kind, platform)
    return None if platform == toolchain.host or target in toolchain.targets else target


def missing_linker(platform: PlatformName, toolchain: Toolchain) -> str | None:
    """Return the missing linker of a platform and the command that installs it, or None."""
    linker = toolchain.linker(platform)
    if linker == "zig" and "cargo-zigbuild" not in toolchain.programs:
        return f"linked by zig and cargo-zigbuild, which are not installed: {_GET_ZIG}"
    if linker == "xwin" and not ("cargo-xwin" in toolchain.programs and PLATFORMS[platform].cpu in toolchain.windows):
        return f"linked by cargo-xwin with Microsoft's libraries, which are not installed: {_GET_XWIN}"
    return None


def missing_library(targets: Sequence[str], channel: str | None = None) -> str:
    """Return the message that the standard library for these targets is not installed, with the fix."""
    option = f"--toolchain {channel} " if channel else ""
    fix = f"run `rustup target add {option}{' '.join(targets)}`"
    return f"Rust's standard library for {', '.join(targets)} is not installed: {fix}"


def unmet_dependency(platform: PlatformName, packages: Collection[str], toolchain: Toolchain) -> str | None:
    """Return why a crate with these dependencies cannot be built for a platform, or None.

    `packages` are the names of all packages that Cargo compiles, with those of build scripts. The check runs before
    compiling: these builds fail late, with unclear messages.
    """
    linker, system = toolchain.linker(platform), PLATFORMS[platform].os
    frameworks = sorted(_FRAMEWORKS.intersection(packages))
    if frameworks and system == "darwin" and linker == "zig" and not toolchain.apple_sdk:
        return f"{frameworks[0]} links Apple's frameworks, which are not installed: set SDKROOT to an SDK of macOS"
    if platform != toolchain.host and "openssl-sys" in packages and "openssl-src" not in packages:
        return f"openssl-sys needs OpenSSL for {platform}, which is not installed: enable its feature `vendored`"
    if linker in ("xwin", "wasm") and "cc" in packages and "clang" not in toolchain.programs:
        return f"a dependency compiles C for {platform}, which needs clang: install clang and lld"
    if "cmake" in packages and "cmake" not in toolchain.programs:
        return "a dependency compiles C with cmake, which is not installed: install cmake"
    return None


# Packages that link to frameworks or libraries of Apple's SDK; zig has only libSystem.
_FRAMEWORKS: Final = frozenset(
    {
        *("core-foundation-sys", "core-graphics", "core-text", "core-video-sys", "coreaudio-sys", "coremidi-sys"),
        *("security-framework-sys", "system-configuration-sys", "io-kit-sys", "fsevent-sys", "metal", "objc"),
        *("objc-sys", "objc2", "cocoa", "apple-security-framework-sys", "accelerate-src"),
    }
)
