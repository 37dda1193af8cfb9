"""What is made once for a machine and copied into sandboxes: programs, and what zig compiles of its own."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Final

from generator.platforms import PLATFORM_NAMES, VALID_FOR, PlatformName
from generator.recipes.cargo_target import CargoTarget, cargo_target
from generator.recipes.job import BuildJob, CrateMetadata
from generator.recipes.recipe import Tool, download_source
from generator.recipes.test_run import set_runner
from generator.toolchain.toolchain import Runtime, Toolchain, unmet_need

# Where it lies when it has been made, below the sandbox's root.
PREBUILT_TAR: Final = "stock.tar"

_OPTIONS: Final = "--offline --release"
# As what the empty library is built: where its platform has no cdylib, Cargo has to be left another one to build.
_BUILT: Final = '"cdylib", "rlib"'
_DOCUMENTED: Final = '"rlib"'


@dataclass(frozen=True)
class Prebuilt:
    """One such thing: its name, unique for a toolchain, what to say while it is made, and the scripts that make it.

    `fetch` runs with the network open, None where nothing is fetched; `make` runs after it and leaves STOCK_TAR.
    """

    name: str
    activity: str
    fetch: str | None
    build: str


def prebuilt_programs(tool: Tool) -> Prebuilt:
    """Return how programs that the registry publishes as source are built.

    They are fetched by the published lock file where the registry still has all of it, else anew. Unoptimised they
    compile in a third of the time, and wasm-bindgen still binds a module in under a second.
    """
    fetch = (
        f"{download_source(tool.crate, tool.version)}\ncd source\n"
        "cargo fetch --locked || { rm Cargo.lock && cargo fetch; }"
    )
    options = " ".join(f"--bin {shlex.quote(each)}" for each in tool.programs)
    make = (
        f"(cd source && cargo build --offline --release {options} --no-default-features "
        "--config profile.release.opt-level=0 --config profile.release.lto=false)\n"
        f'tar -cf {PREBUILT_TAR} -C "$CARGO_TARGET_DIR/release" {shlex.join(tool.programs)}'
    )
    name = f"{'+'.join(tool.programs)}-{tool.version}"
    return Prebuilt(name, f"building {tool.crate} {tool.version}", fetch, make)


def zig_libraries(job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> tuple[Prebuilt, ...]:
    """Return how to have zig compile the C library and all else of its own that it links crates of this kind with.

    zig ships that as source, and would take a minute or more for it in each sandbox. rustdoc links a library's tests
    with other ones than Cargo. Nothing for a platform that is linked by something else.
    """
    if job.toolchain.linker(platform) != "zig":
        return ()
    ours, runtime = job.cargo_target(platform), job.toolchain.runtime(platform)
    addon = job.crate.kind == "napi"
    name = f"{ours.argument}-addon" if addon else f"{ours.argument}"
    prebuilts = [_by_zig(name, f"for {'addons' if addon else 'programs'} on {platform}", _BUILT, ours.script(_OPTIONS))]
    runs = platform == job.host or (runtime is not None and job.settings.foreign_tests)
    if metadata.package.library is not None and not addon and job.settings.tests and runs:
        script = _documented(job.root, ours, platform, runtime)
        prebuilts.append(_by_zig(f"{ours.argument}-tests", f"for tests on {platform}", _DOCUMENTED, script))
    return tuple(prebuilts)


def all_zig_libraries(root: str, toolchain: Toolchain, glibc: str) -> str:
    """Return a script that has zig compile all that `zig_libraries` would, for crates of each kind on each platform.

    It starts in `root`, an empty directory, and fails where an empty crate does not link, or a runtime does not run it.
    """
    builds, tests = dict[str, None](), dict[str, None]()
    for platform in (each for each in PLATFORM_NAMES if toolchain.linker(each) == "zig"):
        runtime = toolchain.runtime(platform)
        for kind, valid in VALID_FOR.items():
            if platform not in valid or unmet_need(kind, platform, toolchain):
                continue
            ours = cargo_target(kind, platform, glibc, toolchain)
            builds[f"(\n{ours.script(_OPTIONS)}\n)"] = None
            if kind != "napi" and (runtime or platform == toolchain.host):
                tests[f"(\n{_documented(root, ours, platform, runtime)}\n)"] = None
    return "\n".join((_empty(_BUILT), *builds, "cd ..", _empty(_DOCUMENTED), *tests))


def _documented(root: str, ours: CargoTarget, platform: PlatformName, runtime: Runtime | None) -> str:
    """Return a script in which rustdoc links and runs what it tests."""
    start = set_runner(root, str(ours.target), platform, runtime) if runtime else ""
    return f"{start}{ours.test(f'--doc {_OPTIONS}')}"


def _by_zig(name: str, what: str, types: str, script: str) -> Prebuilt:
    make = f'{_empty(types)}\n{script}\ncd .. && tar -cf {PREBUILT_TAR} -C "$HOME/.cache" zig'
    return Prebuilt(f"zig-{name}", f"having zig compile its libraries {what}", None, make)


def _empty(types: str) -> str:
    """Return lines that write a crate without a line of anybody's code, and enter it."""
    return f"""mkdir -p empty/src && cd empty
cat > Cargo.toml <<'END'
[package]
name = "empty"
version = "0.0.0"
edition = "2021"
[lib]
crate-type = [{types}]
END
echo 'fn main() {{}}' > src/main.rs
printf '//! ~~~\\n//! assert!(true);\\n//! ~~~\\n' > src/lib.rs"""
