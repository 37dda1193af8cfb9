"""Cargo's view of each platform: its subcommand, target, linker and environment variables, as data."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from generator.platforms import OLDEST_MACOS, PLATFORMS, Kind, PlatformName
from generator.scripts import script
from generator.toolchain.toolchain import XWIN_ARCHITECTURES, Linker, Toolchain

_STATIC, _DYNAMIC = "target-feature=+crt-static", "target-feature=-crt-static"

# rustc's options where the kind matters. A program for musl contains its libc, while an addon shares Node's. macOS
# finds Node's symbols when it loads an addon, not when it is linked. Microsoft's runtime is linked in, so that users of
# Windows need not install it.
_OPTIONS: Final[dict[tuple[Kind, PlatformName], tuple[str, ...]]] = {
    ("bin", "linux-x64-musl"): (_STATIC,),
    ("bin", "linux-arm64-musl"): (_STATIC,),
    ("napi", "linux-x64-musl"): (_DYNAMIC,),
    ("napi", "linux-arm64-musl"): (_DYNAMIC,),
    ("napi", "darwin-x64"): ("link-arg=-undefined", "link-arg=dynamic_lookup"),
    ("napi", "darwin-arm64"): ("link-arg=-undefined", "link-arg=dynamic_lookup"),
    ("bin", "win32-x64-msvc"): (_STATIC,),
    ("bin", "win32-arm64-msvc"): (_STATIC,),
    ("napi", "win32-x64-msvc"): (_STATIC,),
    ("napi", "win32-arm64-msvc"): (_STATIC,),
}

# rustc's flags, and rustdoc's.
_FLAGS: Final = ("RUSTFLAGS", "RUSTDOCFLAGS")

# cargo-xwin writes beside its downloads, which may be read-only, so it gets a directory of its own.
_XWIN_CACHE: Final = """mkdir -p "$HOME/xwin" && ln -sfn "$XWIN_CACHE_DIR/xwin" "$HOME/xwin/xwin"
export XWIN_CACHE_DIR="$HOME/xwin"
"""


@dataclass(frozen=True)
class ProjectFlags:
    """The settings for one platform in a project's Cargo configuration.

    `rustflags` and `rustdocflags` are those of [build]; they are None when Cargo drops them for those of [target].
    `names_target` says that [build] names a target.
    """

    rustflags: tuple[str, ...] | None = ()
    rustdocflags: tuple[str, ...] | None = ()
    names_target: bool = False


@dataclass(frozen=True)
class CargoTarget:
    """One platform as Cargo sees it from the host.

    `subcommand` takes the place of `build`. `target` is the Rust target and `argument` that of `--target`; both are
    None for a build by the host's own linker. `directory` holds the results, below Cargo's target directory.
    `preparation` are lines of Bash that run first, and `flags` are those that add options of rustc.
    """

    subcommand: str
    target: str | None
    argument: str | None
    directory: str
    environment: Mapping[str, str]
    preparation: str = ""
    flags: str = ""

    def script(self, options: str) -> str:
        """Return the script that builds with these options of `cargo build`."""
        target = f" --target {self.argument}" if self.argument else ""
        return f"{self.exports}cargo {self.subcommand} {options}{target}"

    def test(self, options: str) -> str:
        """Return the script that tests with these options of `cargo test`. The runner of the tests is set elsewhere."""
        commands = {"zigbuild": "cargo-zigbuild test", "xwin build": "cargo xwin test"}
        return f"{self.exports}{commands.get(self.subcommand, 'cargo test')} {options} --target {self.argument}"

    @property
    def exports(self) -> str:
        """Lines of Bash that set the environment variables."""
        lines = (f"export {name}={shlex.quote(value)}\n" for name, value in self.environment.items())
        return f"{self.preparation}{''.join(lines)}{self.flags}"


def target_variable(target: str, key: str) -> str:
    """Return the environment variable of Cargo for a key, such as RUNNER, of one target."""
    return f"CARGO_TARGET_{target.upper().replace('-', '_')}_{key}"


def cargo_target(
    kind: Kind, platform: PlatformName, glibc: str, toolchain: Toolchain, project: ProjectFlags | None = None
) -> CargoTarget:
    """Return Cargo's view of a platform for a kind of crate; `glibc` is the oldest version that it supports.

    `project` is None where no project's configuration and no variable of a user counts.
    """
    linker, known = toolchain.linker(platform), PLATFORMS[platform]
    target = toolchain.target(kind, platform)
    environment, options = _environment(platform), _options(kind, platform, linker)
    flags = ""
    if project is None:
        words = {target_variable(target, name): " ".join(each) for name, each in options.items() if each}
        environment = words | environment
    else:
        flags = _added_flags(target, options, project)
    if linker == "cc" and platform == toolchain.host and not (project and project.names_target):
        return CargoTarget("build", None, None, "release", environment, flags=flags)
    argument = f"{target}.{glibc}" if linker == "zig" and known.libc == "glibc" else target
    subcommand = {"cc": "build", "wasm": "build", "zig": "zigbuild", "xwin": "xwin build"}[linker]
    preparation = _XWIN_CACHE if linker == "xwin" else ""
    return CargoTarget(subcommand, target, argument, f"{target}/release", environment, preparation, flags)


def _options(kind: Kind, platform: PlatformName, linker: Linker) -> dict[str, tuple[str, ...]]:
    """Return a platform's options of rustc, and of rustdoc, which links doc tests and reads RUSTDOCFLAGS alone."""
    options, known = _OPTIONS.get((kind, platform), ()), PLATFORMS[platform]
    if known.libc == "musl" and linker == "zig":
        options = (*options, "link-self-contained=no")  # musl and its start objects come from zig, not from rustc
    # zig has other libraries for files with debug information. Cargo's release profile strips it, and rustdoc does not.
    rustdoc = (*options, "strip=debuginfo") if linker == "zig" and known.os != "darwin" else options
    return {
        name: tuple(word for option in given for word in ("-C", option))
        for name, given in zip(_FLAGS, (options, rustdoc), strict=True)
    }


def _environment(platform: PlatformName) -> dict[str, str]:
    """Return the environment variables of the linker and of build scripts."""
    known = PLATFORMS[platform]
    variables: dict[str, str] = {}
    if known.os == "darwin":
        variables["MACOSX_DEPLOYMENT_TARGET"] = OLDEST_MACOS[known.cpu]
        # Stripping a linked file invalidates its signature, and Apple silicon then refuses to run it.
        variables["CARGO_PROFILE_RELEASE_STRIP"] = "none"
    if known.os == "win32":
        variables["XWIN_ARCH"] = XWIN_ARCHITECTURES[known.cpu]  # others may not be there, and are not fetched
    return variables


def _added_flags(target: str, options: Mapping[str, tuple[str, ...]], project: ProjectFlags) -> str:
    """Return lines of Bash that add options to the flags of the environment and of the project."""
    calls = ""
    for name, own in zip(_FLAGS, (project.rustflags, project.rustdocflags), strict=True):
        build = "" if own is None else f"CARGO_BUILD_{name}"
        words = ("add_flags", name, target_variable(target, name), build, " ".join(own or ()), *options[name])
        calls += f"{shlex.join(words)}\n" if options[name] else ""
    return script("add-flags.sh") + calls if calls else ""
