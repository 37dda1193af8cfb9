"""What is made once for a machine and copied into sandboxes: programs, and what zig compiles of its own."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Final

from generator.platforms import PlatformName
from generator.recipes.job import Described, Job
from generator.recipes.recipe import Tool, registry_source
from generator.recipes.trial import start_programs

# Where it lies when it has been made, below the sandbox's root.
STOCK_TAR: Final = "stock.tar"

# A program, a library of both sorts, and a test that rustdoc links: none has a line of anybody's code in it.
_EMPTY_CRATE: Final = """mkdir -p empty/src && cd empty
cat > Cargo.toml <<'END'
[package]
name = "empty"
version = "0.0.0"
edition = "2021"
[lib]
crate-type = ["rlib", "cdylib"]
END
echo 'fn main() {}' > src/main.rs
printf '//! ```\\n//! assert!(true);\\n//! ```\\n' > src/lib.rs
"""


@dataclass(frozen=True)
class Stock:
    """One such thing: its name, unique for a toolchain, what to say while it is made, and the scripts that make it.

    `fetch` runs with the network open, None where nothing is fetched; `make` runs after it and leaves STOCK_TAR.
    """

    name: str
    doing: str
    fetch: str | None
    make: str


def programs(tool: Tool) -> Stock:
    """Return how programs that the registry publishes as source are built.

    They are fetched by the published lock file where the registry still has all of it, else anew. Unoptimised they
    compile in a third of the time, and wasm-bindgen still binds a module in under a second.
    """
    fetch = (
        f"{registry_source(tool.crate, tool.version)}\ncd source\n"
        "cargo fetch --locked || { rm Cargo.lock && cargo fetch; }"
    )
    options = " ".join(f"--bin {shlex.quote(each)}" for each in tool.programs)
    make = (
        f"(cd source && cargo build --offline --release {options} --no-default-features "
        "--config profile.release.opt-level=0 --config profile.release.lto=false)\n"
        f'tar -cf {STOCK_TAR} -C "$CARGO_TARGET_DIR/release" {shlex.join(tool.programs)}'
    )
    name = f"{'+'.join(tool.programs)}-{tool.version}"
    return Stock(name, f"building {tool.crate} {tool.version}", fetch, make)


def zig_libraries(job: Job, described: Described, platform: PlatformName) -> Stock | None:
    """Return how to have zig compile the C library and all else of its own that it links crates of this kind with.

    zig ships that as source, and would take a minute or more for it in each sandbox. rustdoc links a library's tests in
    another way than Cargo links all else. None for a platform that is linked by something else.
    """
    if job.equipment.way(platform) != "zig":
        return None
    crossing, runtime = job.crossing(platform), job.equipment.runtime(platform)
    lines = [_EMPTY_CRATE, crossing.script("--offline --release")]
    addon = job.crate.kind == "napi"
    runs = platform == job.host or (runtime is not None and job.settings.foreign_tests)
    tested = described.package.library is not None and not addon and job.settings.tests and runs
    if tested:
        lines.append(start_programs(job, platform, runtime, ()) if runtime else "")
        lines.append(crossing.test("--offline --release"))
    lines.append(f'cd .. && tar -cf {STOCK_TAR} -C "$HOME/.cache" zig')
    words = ("zig", crossing.asked, *(["addon"] if addon else []), *(["tests"] if tested else []))
    return Stock("-".join(map(str, words)), f"having zig compile its libraries for {platform}", None, "\n".join(lines))
