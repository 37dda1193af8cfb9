"""Scripts for prebuilt tools and libraries, which are built once for a machine and copied into many sandboxes."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Final

from generator.platforms import PLATFORM_NAMES, PLATFORMS, PLATFORMS_OF_KIND, PlatformName
from generator.recipes.cargo_target import cargo_target
from generator.recipes.job import BuildJob
from generator.recipes.recipe import Tool, download_source
from generator.sandboxes.layout import PREBUILT_TAR, SOURCE
from generator.toolchain.toolchain import Toolchain, unmet_need

_OPTIONS: Final = "--offline --release"
# Lines that write an empty crate and enter it. On a platform without cdylib Cargo builds the rlib alone. They are no
# file of `generator.scripts`, because a change of the Dockerfile's text needs a new template.
_EMPTY_CRATE: Final = """mkdir -p empty/src && cd empty
cat > Cargo.toml <<'END'
[package]
name = "empty"
version = "0.0.0"
edition = "2021"
[lib]
crate-type = ["cdylib", "rlib"]
END
echo 'fn main() {}' > src/main.rs
touch src/lib.rs"""


@dataclass(frozen=True)
class Prebuilt:
    """One prebuilt tar: its name, unique for a toolchain, the words for a log while it is built, and its scripts.

    `fetch` runs with the network open, and is None when nothing is fetched. `build` runs after it and writes
    PREBUILT_TAR into the sandbox's root.
    """

    name: str
    activity: str
    fetch: str | None
    build: str


def prebuilt_programs(tool: Tool) -> Prebuilt:
    """Return the scripts for programs that the registry publishes as source.

    Dependencies come from the published lock file when the registry still has all of them, else they are resolved
    anew. Without optimisation the programs compile in a third of the time, and wasm-bindgen still takes under a second.
    """
    fetch = (
        f"{download_source(tool.crate, tool.version)}\ncd {SOURCE}\n"
        "cargo fetch --locked || { rm Cargo.lock && cargo fetch; }"
    )
    options = " ".join(f"--bin {shlex.quote(each)}" for each in tool.programs)
    build = (
        f"(cd {SOURCE} && cargo build --offline --release {options} --no-default-features "
        "--config profile.release.opt-level=0 --config profile.release.lto=false)\n"
        f'tar -cf {PREBUILT_TAR} -C "$CARGO_TARGET_DIR/release" {shlex.join(tool.programs)}'
    )
    name = f"{'+'.join(tool.programs)}-{tool.version}"
    return Prebuilt(name, f"building {tool.crate} {tool.version}", fetch, build)


def zig_libraries(job: BuildJob, platform: PlatformName) -> Prebuilt | None:
    """Return the script that has zig compile the C library and its other libraries for crates of this kind.

    zig ships them as source, and needs a minute or more for them in each sandbox. Doc tests share them, by the options
    in `cargo_target`. A platform with another linker needs none.
    """
    if job.toolchain.linker(platform) != "zig":
        return None
    target = cargo_target(job.crate.kind, platform, job.settings.glibc, job.toolchain)
    name, activity = f"zig-{target.argument}", f"having zig compile its libraries for {platform}"
    if job.crate.kind == "napi" and PLATFORMS[platform].libc == "musl":  # an addon shares Node's C library
        name, activity = f"{name}-addon", f"having zig compile its libraries for addons on {platform}"
    build = f'{_EMPTY_CRATE}\n{target.script(_OPTIONS)}\ncd .. && tar -cf {PREBUILT_TAR} -C "$HOME/.cache" zig'
    return Prebuilt(name, activity, None, build)


def all_zig_libraries(toolchain: Toolchain, glibc: str) -> str:
    """Return a script that has zig compile its libraries for crates of each kind on each platform.

    It fails when an empty crate does not link.
    """
    builds = dict[str, None]()
    for platform in (each for each in PLATFORM_NAMES if toolchain.linker(each) == "zig"):
        for kind, valid in PLATFORMS_OF_KIND.items():
            if platform in valid and not unmet_need(kind, platform, toolchain):
                builds[f"(\n{cargo_target(kind, platform, glibc, toolchain).script(_OPTIONS)}\n)"] = None
    return "\n".join((_EMPTY_CRATE, *builds))
