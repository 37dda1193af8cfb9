"""What measuring coverage takes on this machine: Rust's profiler, and LLVM's programs that read what it writes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.errors import CratematrixError
from generator.toolchain.mounts import INSIDE, Mount, ask_program, find_program
from generator.toolchain.toolchain import LLVM_COV_RUST

# These write and read the same profiles, as cargo-llvm-cov's table of Rust and LLVM versions has it.
_ALIKE: Final = range(19, 23)
# The programs, and the variables by which cargo-llvm-cov is told where they are.
_PROGRAMS: Final = {"llvm-cov": "LLVM_COV", "llvm-profdata": "LLVM_PROFDATA"}


@dataclass(frozen=True)
class Profiler:
    """Where LLVM's programs are, unless Rust has its own; or `lack`: what is missing and what to run."""

    mounts: tuple[Mount, ...] = ()
    unmet_need: str | None = None


def find_profiler(rust: Path, version: str, environ: Mapping[str, str]) -> Profiler:
    """Look for what goes with the Rust in `rust`: rustup's component, or programs of an LLVM that is like Rust's."""
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < LLVM_COV_RUST:
        wanted = ".".join(map(str, LLVM_COV_RUST))
        return Profiler(unmet_need=f"cargo-llvm-cov needs Rust {wanted} or newer: run `rustup update`")
    host, llvm = _of(rust / "bin/rustc", environ)
    rustlib = rust / "lib/rustlib" / host
    if not host or not any((rustlib / "lib").glob("libprofiler_builtins-*.rlib")):
        return Profiler(
            unmet_need="this Rust was built without its profiler: install Rust with rustup (https://rustup.rs)"
        )
    if all((rustlib / "bin" / name).is_file() for name in _PROGRAMS):
        return Profiler()
    for pair in _pairs(llvm, environ):
        if len(pair) == len(_PROGRAMS) and all(_fits(each, llvm, environ) for each in pair):
            return Profiler(tuple(_place(each.resolve(), name) for each, name in zip(pair, _PROGRAMS, strict=True)))
    fix = f"run `rustup component add llvm-tools`, or `apt-get install llvm-{llvm}`"
    return Profiler(unmet_need=f"llvm-cov and llvm-profdata of LLVM {llvm}, which is Rust's, are not installed: {fix}")


def _of(rustc: Path, environ: Mapping[str, str]) -> tuple[str, int]:
    """Return Rust's host target and the number of its LLVM, nothing where it does not say."""
    try:
        said = ask_program([rustc, "--version", "--verbose"], environ)
    except CratematrixError:
        return "", 0
    host, llvm = re.search(r"^host: (\S+)$", said, re.MULTILINE), re.search(r"^LLVM version: (\d+)", said, re.MULTILINE)
    return (host[1], int(llvm[1])) if host and llvm else ("", 0)


def _pairs(llvm: int, environ: Mapping[str, str]) -> Iterator[tuple[Path, ...]]:
    """Both programs, as far as they are there: the named ones, then PATH's, of Rust's own LLVM first."""
    yield tuple(Path(environ[variable]) for variable in _PROGRAMS.values() if environ.get(variable))
    for suffix in (f"-{llvm}", *(f"-{number}" for number in reversed(_ALIKE)), ""):
        yield tuple(found for name in _PROGRAMS if (found := find_program(f"{name}{suffix}", environ)))


def _fits(tool: Path, llvm: int, environ: Mapping[str, str]) -> bool:
    try:
        own = re.search(r"LLVM version (\d+)", ask_program([tool, "--version"], environ))
    except CratematrixError:
        return False
    return own is not None and (int(own[1]) == llvm or (int(own[1]) in _ALIKE and llvm in _ALIKE))


def _place(tool: Path, name: str) -> Mount:
    return Mount(tool, f"{INSIDE}/bin/{name}", _PROGRAMS[name])
