"""Programs that Cargo's configuration names: those that Cargo would start must be in the sandbox."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generator.builds.diagnostics import Diagnostic, Diagnostics
from generator.cargo.configuration import CargoConfiguration
from generator.cargo.configuration_files import read_configuration
from generator.platforms import PlatformName
from generator.recipes.recipe import fetch_script, target_programs
from generator.toolchain.toolchain import Runtime, Toolchain
from tests.recipes.jobs import job_of
from tests.support import bash

GNU, MUSL, WASM = "x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl", "wasm32-unknown-unknown"
BARE = Toolchain("linux-x64-gnu", frozenset())
ZIG = replace(BARE, programs=frozenset({"cargo-zigbuild"}))
QEMU = replace(ZIG, runtimes={"linux-arm64-musl": Runtime("qemu", ("qemu",))})
RUN, LINK = "runner = 'not-there -v'", "linker = 'not-there'"


def configuration(text: str) -> CargoConfiguration:
    return read_configuration("crate", {".cargo/config.toml": text}.get)


@pytest.mark.parametrize(
    ("table", "toolchain", "platforms", "crate", "is_started"),
    [
        (f"{GNU}]\n{RUN}", BARE, ["linux-x64-gnu"], {}, True),
        (f"{GNU}]\n{RUN}", BARE, ["linux-x64-musl"], {}, True),  # tests run on the host first
        (f"'cfg(unix)']\n{RUN}", BARE, ["linux-x64-gnu"], {}, True),
        (f"'cfg(windows)']\n{RUN}", BARE, ["linux-x64-gnu"], {}, False),
        (f"{GNU}]\n{RUN}", BARE, ["linux-x64-gnu"], {"tests": False}, False),
        (f"{GNU}]\n{RUN}", BARE, ["linux-x64-gnu"], {"commands": {"test": "true"}}, False),
        (f"{GNU}]\n{RUN}", BARE, ["linux-x64-gnu"], {"kind": "napi"}, False),
        (f"{MUSL}]\n{RUN}", ZIG, ["linux-x64-musl"], {}, True),
        (f"{MUSL}]\n{RUN}", ZIG, ["linux-x64-musl"], {"foreign_tests": False}, False),
        (f"aarch64-unknown-linux-musl]\n{RUN}", QEMU, ["linux-arm64-musl"], {}, False),
        (f"{WASM}]\n{RUN}", BARE, ["wasm32"], {"kind": "wasm"}, False),
        (f"{GNU}]\n{LINK}", BARE, ["linux-x64-gnu"], {"kind": "napi"}, True),
        (f"{GNU}]\n{LINK}", ZIG, ["linux-x64-gnu"], {}, False),
        (f"{MUSL}]\n{LINK}", ZIG, ["linux-x64-musl"], {}, False),
        (f"{WASM}]\n{LINK}", ZIG, ["wasm32"], {"kind": "wasm"}, True),
        (f"{GNU}]\n{LINK}", ZIG, ["wasm32"], {"kind": "wasm"}, True),
    ],
)
def test_a_program_is_wanted_where_cargo_would_start_it(
    tmp_path: Path, table: str, toolchain: Toolchain, platforms: list[PlatformName], crate: dict[str, Any],
    is_started: bool,
) -> None:  # fmt: skip
    facts = {"linux-x64-gnu": frozenset({"unix"})}
    job = replace(
        job_of(tmp_path, toolchain, **crate),
        platforms=tuple(platforms), configuration=configuration(f"[target.{table}\n"), conditions=facts,
    )  # fmt: skip
    assert [each.name for each in target_programs(job, ())] == ["not-there"] * is_started
    variables = {f"CARGO_TARGET_{each.upper().replace('-', '_')}_{key}" for each in (GNU, MUSL, WASM) for key in ("RUNNER", "LINKER")}  # fmt: skip
    assert not target_programs(job, variables)


@pytest.mark.parametrize(
    ("table", "key"), [("[build]\nrustc-wrapper =", "build.rustc-wrapper"), (f"[target.{GNU}]\nrunner =", f"target.{GNU}.runner")]
)  # fmt: skip
@pytest.mark.parametrize("name", ["not-there", "/opt/not-there", "shopt"])
def test_a_missing_program_is_named_with_file_and_line_before_anything_is_fetched(
    tmp_path: Path, table: str, key: str, name: str
) -> None:
    """The word shopt is a builtin of Bash, and no program."""
    job = replace(job_of(tmp_path), configuration=configuration(f"{table} '{name}'\n"))
    done = bash(fetch_script(job), tmp_path, {"PATH": str(os.environ["PATH"])})
    found = Diagnostics()
    for line in done.stderr.splitlines():
        found.feed(line)
    message = f"Cargo's configuration names the program {name} in {key}, which is not in the sandbox: remove the key"
    assert found.compiler_error() == Diagnostic(message, f"{tmp_path}/source/.cargo/config.toml", 2)


def test_programs_that_are_there_are_found(tmp_path: Path) -> None:
    (tmp_path / "cargo").write_text("#!/bin/sh\n")
    (tmp_path / "cargo").chmod(0o755)
    text = f"[build]\nrustc-wrapper = 'cargo'\n[target.{GNU}]\nrunner = '{tmp_path}/cargo x'\n"
    job = replace(job_of(tmp_path), configuration=configuration(text))
    done = bash(fetch_script(job), tmp_path, {"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert "names the program" not in done.stderr


def test_each_wrapper_that_is_a_compiler_cache_is_emptied(tmp_path: Path) -> None:
    text = "[build]\nrustc-workspace-wrapper = 'sccache'\nrustc-wrapper = 'ccache'\n"
    job = replace(job_of(tmp_path), configuration=configuration(text))
    assert job.preparation == "export RUSTC_WRAPPER=\nexport RUSTC_WORKSPACE_WRAPPER=\n"
