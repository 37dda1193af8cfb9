"""Scripts for prebuilt tools and libraries, which are built once for a machine and copied into many sandboxes."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Final

from generator.platforms import PLATFORM_NAMES, PLATFORMS_OF_KIND, PlatformName
from generator.recipes.cargo_target import CargoTarget, cargo_target
from generator.recipes.job import BuildJob, CrateMetadata
from generator.recipes.recipe import Tool, download_source
from generator.recipes.test_run import set_runner
from generator.sandboxes.layout import PREBUILT_TAR, SOURCE
from generator.toolchain.toolchain import Runtime, Toolchain, unmet_need

_OPTIONS: Final = "--offline --release"
# Crate types of the empty library. On a platform without cdylib Cargo builds the other. rustdoc needs an rlib alone.
_CRATE_TYPES: Final = '"cdylib", "rlib"'
_DOC_TEST_CRATE_TYPES: Final = '"rlib"'


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


def zig_libraries(job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> tuple[Prebuilt, ...]:
    """Return scripts that have zig compile the C library and its other libraries for crates of this kind.

    zig ships them as source, and needs a minute or more for them in each sandbox. rustdoc links a library's tests with
    other libraries than Cargo does. A platform with another linker needs none.
    """
    if job.toolchain.linker(platform) != "zig":
        return ()
    target = cargo_target(job.crate.kind, platform, job.settings.glibc, job.toolchain)
    runtime = job.toolchain.runtime(platform)
    addon = job.crate.kind == "napi"
    name, users = (f"{target.argument}-addon", "addons") if addon else (f"{target.argument}", "programs")
    prebuilts = [_zig_library(name, f"for {users} on {platform}", _CRATE_TYPES, target.script(_OPTIONS))]
    runs = platform == job.host or (runtime is not None and job.settings.foreign_tests)
    if metadata.package.library is not None and not addon and job.settings.tests and runs:
        script = _doc_tests(job.root, target, platform, runtime)
        prebuilts.append(
            _zig_library(f"{target.argument}-tests", f"for tests on {platform}", _DOC_TEST_CRATE_TYPES, script)
        )
    return tuple(prebuilts)


def all_zig_libraries(root: str, toolchain: Toolchain, glibc: str) -> str:
    """Return a script that has zig compile its libraries for crates of each kind on each platform.

    It starts in the empty directory `root`. It fails when an empty crate does not link, or a runtime cannot run it.
    """
    builds, tests = dict[str, None](), dict[str, None]()
    for platform in (each for each in PLATFORM_NAMES if toolchain.linker(each) == "zig"):
        runtime = toolchain.runtime(platform)
        for kind, valid in PLATFORMS_OF_KIND.items():
            if platform not in valid or unmet_need(kind, platform, toolchain):
                continue
            target = cargo_target(kind, platform, glibc, toolchain)
            builds[f"(\n{target.script(_OPTIONS)}\n)"] = None
            if kind != "napi" and (runtime or platform == toolchain.host):
                tests[f"(\n{_doc_tests(root, target, platform, runtime)}\n)"] = None
    return "\n".join((_empty_crate(_CRATE_TYPES), *builds, "cd ..", _empty_crate(_DOC_TEST_CRATE_TYPES), *tests))


def _doc_tests(root: str, target: CargoTarget, platform: PlatformName, runtime: Runtime | None) -> str:
    """Return a script in which rustdoc links and runs a test."""
    runner = set_runner(root, str(target.target), platform, runtime) if runtime else ""
    return f"{runner}{target.test(f'--doc {_OPTIONS}')}"


def _zig_library(name: str, purpose: str, crate_types: str, script: str) -> Prebuilt:
    build = f'{_empty_crate(crate_types)}\n{script}\ncd .. && tar -cf {PREBUILT_TAR} -C "$HOME/.cache" zig'
    return Prebuilt(f"zig-{name}", f"having zig compile its libraries {purpose}", None, build)


def _empty_crate(crate_types: str) -> str:
    """Return lines that write an empty crate with one doc test, and enter it.

    It is no file of `generator.scripts`, because a change of the Dockerfile's text needs a new template.
    """
    return f"""mkdir -p empty/src && cd empty
cat > Cargo.toml <<'END'
[package]
name = "empty"
version = "0.0.0"
edition = "2021"
[lib]
crate-type = [{crate_types}]
END
echo 'fn main() {{}}' > src/main.rs
printf '//! ~~~\\n//! assert!(true);\\n//! ~~~\\n' > src/lib.rs"""
