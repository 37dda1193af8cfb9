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


def zig_libraries(job: Job, described: Described, platform: PlatformName) -> tuple[Stock, ...]:
    """Return how to have zig compile the C library and all else of its own that it links crates of this kind with.

    zig ships that as source, and would take a minute or more for it in each sandbox. rustdoc links a library's tests
    with other ones than Cargo. Nothing for a platform that is linked by something else.
    """
    if job.equipment.way(platform) != "zig":
        return ()
    crossing, runtime = job.crossing(platform), job.equipment.runtime(platform)
    addon, options = job.crate.kind == "napi", "--offline --release"
    name = f"{crossing.asked}-addon" if addon else f"{crossing.asked}"
    stocks = [_by_zig(name, f"for {platform}", "cdylib", crossing.script(options))]
    runs = platform == job.host or (runtime is not None and job.settings.foreign_tests)
    if described.package.library is not None and not addon and job.settings.tests and runs:
        start = start_programs(job, platform, runtime, ()) if runtime else ""
        script = f"{start}{crossing.test(f'--doc {options}')}"
        stocks.append(_by_zig(f"{crossing.asked}-tests", f"for tests on {platform}", "rlib", script))
    return tuple(stocks)


def _by_zig(name: str, what: str, library: str, script: str) -> Stock:
    """Build a crate without a line of anybody's code."""
    make = f"""mkdir -p empty/src && cd empty
cat > Cargo.toml <<'END'
[package]
name = "empty"
version = "0.0.0"
edition = "2021"
[lib]
crate-type = ["{library}"]
END
echo 'fn main() {{}}' > src/main.rs
printf '//! ```\\n//! assert!(true);\\n//! ```\\n' > src/lib.rs
{script}
cd .. && tar -cf {STOCK_TAR} -C "$HOME/.cache" zig"""
    return Stock(f"zig-{name}", f"having zig compile its libraries {what}", None, make)
