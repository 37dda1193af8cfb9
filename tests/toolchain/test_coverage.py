"""The coverage tools, found among programs with the output of the real ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.toolchain.coverage import Profiler, find_profiler
from generator.toolchain.mounts import Mount

RUSTLIB = "rust/lib/rustlib/x86_64-unknown-linux-gnu"


def answering(path: Path, words: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{words}'\n")
    path.chmod(0o755)
    return path


def rust(top: Path, llvm: str = "22.1.2") -> None:
    answering(top / "rust/bin/rustc", f"rustc 1.95.0\nhost: x86_64-unknown-linux-gnu\nLLVM version: {llvm}")
    (top / RUSTLIB / "lib").mkdir(parents=True)
    (top / RUSTLIB / "lib/libprofiler_builtins-1.rlib").touch()


def llvm(directory: Path, version: str, suffix: str = "") -> tuple[Path, Path]:
    """Write both programs of one LLVM version."""
    words = f"Debian LLVM version {version}\n  Optimized build."
    return answering(directory / f"llvm-cov{suffix}", words), answering(directory / f"llvm-profdata{suffix}", words)


def find(top: Path, version: str = "1.95.0", **variables: str) -> Profiler:
    return find_profiler(top / "rust", version, {"PATH": str(top / "bin"), **variables})


def places(cov: Path, profdata: Path) -> tuple[Mount, ...]:
    return (
        Mount(cov, "/opt/cross/bin/llvm-cov", "LLVM_COV"),
        Mount(profdata, "/opt/cross/bin/llvm-profdata", "LLVM_PROFDATA"),
    )


def test_rusts_own_programs_need_no_mount(tmp_path: Path) -> None:
    rust(tmp_path)
    llvm(tmp_path / RUSTLIB / "bin", "22.1.2-rust-1.95.0-stable")
    assert find(tmp_path) == Profiler()


@pytest.mark.parametrize(("own", "suffix", "other"), [("22.1.2", "-22", "22.1.8"), ("22.1.2", "-19", "19.1.7"),
                                                     ("19.1.1", "-21", "21.1.0"), ("23.1.0", "", "23.0.1")])  # fmt: skip
def test_programs_of_an_llvm_that_is_like_rusts_are_found_on_path(
    tmp_path: Path, own: str, suffix: str, other: str
) -> None:
    rust(tmp_path, own)
    assert find(tmp_path).mounts == ()
    assert find(tmp_path).unmet_need
    assert find_profiler(tmp_path / "rust", "1.95.0", {"PATH": str(tmp_path / "bin")}).unmet_need
    both = llvm(tmp_path / "bin", other, suffix)
    assert find(tmp_path) == Profiler(places(*both))


def test_named_programs_come_before_those_on_path_unless_they_do_not_fit(tmp_path: Path) -> None:
    rust(tmp_path)
    on_path, named = llvm(tmp_path / "bin", "22.1.8"), llvm(tmp_path / "own", "22.1.0")
    variables = {"LLVM_COV": str(named[0]), "LLVM_PROFDATA": str(named[1])}
    assert find(tmp_path, **variables) == Profiler(places(*named))
    assert find(tmp_path, LLVM_COV=str(named[0])) == Profiler(places(*on_path))
    llvm(tmp_path / "own", "14.0.6")
    assert find(tmp_path, **variables) == Profiler(places(*on_path))


def test_a_missing_tool_is_named_with_its_fix(tmp_path: Path) -> None:
    rust(tmp_path)
    llvm(tmp_path / "bin", "14.0.6")
    assert find(tmp_path).unmet_need == (
        "llvm-cov and llvm-profdata of LLVM 22, which is Rust's, are not installed: "
        "run `rustup component add llvm-tools`, or `apt-get install llvm-22`"
    )
    (tmp_path / RUSTLIB / "lib/libprofiler_builtins-1.rlib").unlink()
    assert "built without its profiler: install Rust with rustup" in str(find(tmp_path).unmet_need)
    assert find(tmp_path, "1.86.0").unmet_need == "cargo-llvm-cov needs Rust 1.87 or newer: run `rustup update`"


def test_a_rust_that_does_not_say_what_it_is_measures_nothing(tmp_path: Path) -> None:
    answering(tmp_path / "rust/bin/rustc", "rustc 1.95.0")
    assert "built without its profiler" in str(find(tmp_path).unmet_need)
