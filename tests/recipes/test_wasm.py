"""The recipe of wasm-bindgen crates: which version of its command line is used, and how outputs become one package."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from generator.errors import Unbuildable
from generator.recipes.wasm import WebRecipe
from generator.scripts import with_arguments
from tests.recipes.jobs import job_of
from tests.support import bash

LOCK = """version = 4

[[package]]
name = "wasm-bindgen"
version = "{}"
source = "registry+https://example.com/index"
"""


@pytest.mark.parametrize("text", [LOCK, LOCK.replace("\n", "\r\n")], ids=["LF", "CRLF"])
def test_the_version_in_the_lock_file_is_used_whatever_its_line_endings(tmp_path: Path, text: str) -> None:
    (tool,) = WebRecipe().tools(job_of(tmp_path, kind="wasm"), text.format("0.2.100"))
    assert (tool.version, tool.programs) == ("0.2.100", ("wasm-bindgen", "wasm-bindgen-test-runner"))


@pytest.mark.parametrize(
    "lock", ["version = 4\n", LOCK.format("0.2.1; touch x"), LOCK.replace('"wasm-bindgen"', '"other"')]
)
def test_a_lock_file_without_a_version_is_an_error(tmp_path: Path, lock: str) -> None:
    with pytest.raises(Unbuildable, match="does not depend on wasm-bindgen"):
        WebRecipe().tools(job_of(tmp_path, kind="wasm"), lock)


@pytest.mark.parametrize("version", ["0.2.84", "0.2.87"])
def test_a_version_that_rust_refuses_is_named_before_anything_is_compiled(tmp_path: Path, version: str) -> None:
    with pytest.raises(Unbuildable, match=rf"wasm-bindgen {version}.*cargo update -p wasm-bindgen"):
        WebRecipe().tools(job_of(tmp_path, kind="wasm"), LOCK.format(version))


# Writes what wasm-bindgen writes; with OWN set, the wasm file is another one for each target, as in older versions.
TOOL = """#!/bin/bash
mkdir -p "$5"
for each in x.js x.d.ts x_bg.js; do echo "load('x_bg.wasm')" > "$5/$each"; done
echo "wasm ${OWN:+$3}" > "$5/x_bg.wasm"
"""


@pytest.mark.parametrize("own", ["", "1"], ids=["one wasm file", "three wasm files"])
def test_each_output_loads_the_wasm_file_that_was_made_for_it(tmp_path: Path, own: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "tool").write_text(TOOL)
    (tmp_path / "tool").chmod(0o755)
    script = with_arguments("stage-wasm.sh", str(tmp_path / "tool"), "wasm32-unknown-unknown", "x")
    env = {"PATH": os.environ["PATH"], "OUT": str(tmp_path / "out"), "CARGO_TARGET_DIR": "/target", "OWN": own}
    done = bash(script, tmp_path, env)
    assert done.returncode == 0, done.stderr
    found = {each.name: each.read_text() for each in (tmp_path / "out").iterdir()}
    for entry, target in (("x.cjs", "nodejs"), ("x.js", "bundler"), ("x_web.js", "web")):
        wasm = found[entry].split("'")[1]
        assert found[wasm].split() == ["wasm", target] if own else ["wasm"]
    assert len([name for name in found if name.endswith(".wasm")]) == (3 if own else 1)
