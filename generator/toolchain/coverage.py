"""Coverage tools of this machine: Rust's profiler, and LLVM's programs that read its profiles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.errors import CratematrixError
from generator.toolchain.mounts import MOUNT_ROOT, Mount, ask_program, find_program
from generator.toolchain.toolchain import LLVM_COV_RUST

# LLVM versions with the same profile format, by cargo-llvm-cov's table of Rust and LLVM versions.
_COMPATIBLE_LLVM: Final = range(19, 23)
# The programs, and the environment variables that name them for cargo-llvm-cov.
_PROGRAMS: Final = {"llvm-cov": "LLVM_COV", "llvm-profdata": "LLVM_PROFDATA"}


@dataclass(frozen=True)
class Profiler:
    """LLVM's programs, unless Rust has its own; or `unmet_need`: the missing tool and the command that installs it."""

    mounts: tuple[Mount, ...] = ()
    unmet_need: str | None = None


def find_profiler(rust: Path, version: str, environ: Mapping[str, str]) -> Profiler:
    """Find the coverage programs for the Rust in `rust`: rustup's component, or those of a compatible LLVM."""
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < LLVM_COV_RUST:
        minimum = ".".join(map(str, LLVM_COV_RUST))
        return Profiler(unmet_need=f"cargo-llvm-cov needs Rust {minimum} or newer: run `rustup update`")
    host, llvm = _host_and_llvm(rust / "bin/rustc", environ)
    rustlib = rust / "lib/rustlib" / host
    if not host or not any((rustlib / "lib").glob("libprofiler_builtins-*.rlib")):
        return Profiler(
            unmet_need="this Rust was built without its profiler: install Rust with rustup (https://rustup.rs)"
        )
    if all((rustlib / "bin" / name).is_file() for name in _PROGRAMS):
        return Profiler()
    for pair in _candidates(llvm, environ):
        if len(pair) == len(_PROGRAMS) and all(_is_compatible(program, llvm, environ) for program in pair):
            return Profiler(tuple(_mount(path.resolve(), name) for path, name in zip(pair, _PROGRAMS, strict=True)))
    fix = f"run `rustup component add llvm-tools`, or `apt-get install llvm-{llvm}`"
    return Profiler(unmet_need=f"llvm-cov and llvm-profdata of LLVM {llvm}, which is Rust's, are not installed: {fix}")


def _host_and_llvm(rustc: Path, environ: Mapping[str, str]) -> tuple[str, int]:
    """Return Rust's host target and LLVM's major version; ("", 0) when rustc names neither."""
    try:
        text = ask_program([rustc, "--version", "--verbose"], environ)
    except CratematrixError:
        return "", 0
    host, llvm = re.search(r"^host: (\S+)$", text, re.MULTILINE), re.search(r"^LLVM version: (\d+)", text, re.MULTILINE)
    return (host[1], int(llvm[1])) if host and llvm else ("", 0)


def _candidates(llvm: int, environ: Mapping[str, str]) -> Iterator[tuple[Path, ...]]:
    """Yield pairs of the programs: those in variables, then those on PATH with Rust's own LLVM version first.

    A pair is shorter when a program is missing.
    """
    yield tuple(Path(environ[variable]) for variable in _PROGRAMS.values() if environ.get(variable))
    for suffix in (f"-{llvm}", *(f"-{number}" for number in reversed(_COMPATIBLE_LLVM)), ""):
        yield tuple(found for name in _PROGRAMS if (found := find_program(f"{name}{suffix}", environ)))


def _is_compatible(program: Path, llvm: int, environ: Mapping[str, str]) -> bool:
    try:
        found = re.search(r"LLVM version (\d+)", ask_program([program, "--version"], environ))
    except CratematrixError:
        return False
    version = int(found[1]) if found else None
    return version is not None and (version == llvm or (version in _COMPATIBLE_LLVM and llvm in _COMPATIBLE_LLVM))


def _mount(program: Path, name: str) -> Mount:
    return Mount(program, f"{MOUNT_ROOT}/bin/{name}", _PROGRAMS[name])
