"""How Cargo compiles for each platform: its subcommand, target, linker and variables, as data."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from generator.platforms import OLDEST_MACOS, PLATFORMS, Kind, PlatformName
from generator.toolchain.toolchain import Linker, Toolchain

_STATIC, _DYNAMIC = "target-feature=+crt-static", "target-feature=-crt-static"

# rustc's options where the kind matters. A program for musl carries its libc; an addon shares its process with Node's.
# Node's symbols are there when macOS loads an addon, not when it is linked. With Microsoft's runtime inside nothing has
# to be installed on Windows first.
_OPTIONS: Final[dict[tuple[Kind, PlatformName], tuple[str, ...]]] = {
    ("bin", "linux-x64-musl"): (_STATIC,),
    ("napi", "linux-x64-musl"): (_DYNAMIC,),
    ("napi", "darwin-x64"): ("link-arg=-undefined", "link-arg=dynamic_lookup"),
    ("napi", "darwin-arm64"): ("link-arg=-undefined", "link-arg=dynamic_lookup"),
    ("bin", "win32-x64-msvc"): (_STATIC,),
    ("napi", "win32-x64-msvc"): (_STATIC,),
}

# cargo-xwin writes beside what it downloaded, and that may be read-only: it gets a directory of its own.
_OWN_XWIN: Final = """mkdir -p "$HOME/xwin" && ln -sfn "$XWIN_CACHE_DIR/xwin" "$HOME/xwin/xwin"
export XWIN_CACHE_DIR="$HOME/xwin"
"""


@dataclass(frozen=True)
class CargoTarget:
    """One platform as Cargo sees it from the host.

    `subcommand` follows `cargo`, in place of `build`. `target` is the Rust target and `asked` what `--target` is given
    for it, both None for a build by the host's own linker; `directory` is where results lie below the target directory.
    """

    subcommand: str
    target: str | None
    argument: str | None
    directory: str
    environment: Mapping[str, str]
    preparation: str = ""

    def script(self, options: str) -> str:
        """Return the script that builds with these options of `cargo build`."""
        target = f" --target {self.argument}" if self.argument else ""
        return f"{self.exports}cargo {self.subcommand} {options}{target}"

    def test(self, options: str) -> str:
        """Return the script that tests with these options of `cargo test`; who starts the tests is not its business."""
        wrapped = {"zigbuild": "cargo-zigbuild test", "xwin build": "cargo xwin test"}
        return f"{self.exports}{wrapped.get(self.subcommand, 'cargo test')} {options} --target {self.argument}"

    @property
    def exports(self) -> str:
        """The lines that set the variables."""
        lines = (f"export {name}={shlex.quote(value)}\n" for name, value in self.environment.items())
        return self.preparation + "".join(lines)


def target_variable(target: str, key: str) -> str:
    """Return the variable by which Cargo is told something of a target alone, RUNNER for one."""
    return f"CARGO_TARGET_{target.upper().replace('-', '_')}_{key}"


def cargo_target(kind: Kind, platform: PlatformName, glibc: str, toolchain: Toolchain) -> CargoTarget:
    """Return how a kind of crate is compiled for a platform; `glibc` is the oldest version it is to run with."""
    linker, known = toolchain.linker(platform), PLATFORMS[platform]
    target = toolchain.target(kind, platform)
    environment = _environment(kind, platform, target, linker)
    if linker == "cc" and platform == toolchain.host:
        return CargoTarget("build", None, None, "release", environment)
    asked = f"{target}.{glibc}" if linker == "zig" and known.libc == "glibc" else target
    subcommand = {"cc": "build", "wasm": "build", "zig": "zigbuild", "xwin": "xwin build"}[linker]
    preparation = _OWN_XWIN if linker == "xwin" else ""
    return CargoTarget(subcommand, target, asked, f"{target}/release", environment, preparation)


def _environment(kind: Kind, platform: PlatformName, target: str, linker: Linker) -> dict[str, str]:
    """Return what the linker and build scripts must know."""
    known, options = PLATFORMS[platform], _OPTIONS.get((kind, platform), ())
    if known.libc == "musl" and linker == "zig":
        options = (*options, "link-self-contained=no")  # zig, not rustc, brings musl and the objects that start it
    variables: dict[str, str] = {}
    if options:
        # rustdoc links its tests too, and looks nowhere else.
        for flags in ("RUSTFLAGS", "RUSTDOCFLAGS"):
            variables[target_variable(target, flags)] = " ".join(f"-C {option}" for option in options)
    if known.os == "darwin":
        variables["MACOSX_DEPLOYMENT_TARGET"] = OLDEST_MACOS[known.cpu]
        # To strip a linked file is to void its signature, and Apple silicon does not run it then.
        variables["CARGO_PROFILE_RELEASE_STRIP"] = "none"
    if known.os == "win32":
        variables["XWIN_ARCH"] = "x86_64"  # the one of its libraries that the image holds
    return variables
