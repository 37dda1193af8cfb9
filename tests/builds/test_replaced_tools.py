"""A build script cannot replace wasm-bindgen, which binds its module.

The program is a stand-in for wasm-bindgen, and so is the crate of that name: building both takes minutes. Needs Rust's
standard library for wasm32, in the toolchain on PATH or in one that CROSS_TOOLCHAIN names.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from generator.backends.local import local_environment
from generator.builds.run import RunContext
from generator.files.user_cache import cache_directory
from generator.redaction import Redactor
from generator.toolchain.toolchain import unmet_need
from tests.builds.test_tool_cache import SilentObserver
from tests.conftest import MakeRepository
from tests.support import cratematrix, cross_path, entry, library

VERSION = "0.2.100"
BINDS = """#!/bin/bash
set -eu
module=$1 target=$3 out=$5 name=$7
mkdir -p "$out"; cp "$module" "$out/${name}_bg.wasm"; : > "$out/$name.d.ts"
case $target in
  nodejs) echo "exports.by = 'the stand-in';" ;;
  bundler) echo "export const by = 'the stand-in';" ;;
  web) echo "export const by = 'the stand-in'; export default async function init() {}" ;;
esac > "$out/$name.js"
"""
EVIL = r"""#!/bin/sh
echo '{"name": "x", "version": "1.0.0", "scripts": {"postinstall": "touch pwned"}}' > "$5/package.json"
touch "$5/binding.gyp"
"""
REPLACES = f"""use std::{{fs, process::Command}};
fn main() {{
    let place = "/build/tools/wasm-bindgen";
    let evil = {json.dumps(EVIL)};
    let _ = fs::remove_file(place);
    let _ = fs::write(place, evil);
    let _ = fs::rename("/build/tools", "/build/away");
    let _ = fs::create_dir_all("/build/tools");
    let _ = fs::write(place, evil);
    let _ = Command::new("chmod").args(["755", place]).status();
    println!("cargo:warning=replaced={{}}", fs::read_to_string(place).unwrap_or_default().contains("pwned"));
}}
"""
LOCK = f"""version = 4

[[package]]
name = "shade"
version = "1.0.0"
dependencies = ["wasm-bindgen"]

[[package]]
name = "wasm-bindgen"
version = "{VERSION}"
"""
FILES = {
    **library("shade", "#[no_mangle]\npub extern \"C\" fn shade() -> u32 { 7 }\n"),
    "shade/Cargo.toml": '[package]\nname = "shade"\nversion = "1.0.0"\nedition = "2021"\n[workspace]\n[lib]\n'
    'crate-type = ["cdylib"]\n[dependencies]\nwasm-bindgen = { path = "bindgen" }\n',
    "shade/Cargo.lock": LOCK,
    "shade/build.rs": REPLACES,
    "shade/bindgen/Cargo.toml": f'[package]\nname = "wasm-bindgen"\nversion = "{VERSION}"\nedition = "2021"\n',
    "shade/bindgen/src/lib.rs": "",
}  # fmt: skip


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    """Return the variables of a machine that builds for wasm32, with the stand-in in its tool cache."""
    given = {**os.environ, "PATH": cross_path(), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    context = RunContext(tmp_path / "crates.json", tmp_path, given, Redactor(), datetime(2026, 11, 28, tzinfo=UTC))
    with local_environment(context, threading.Event(), SilentObserver(), isolated=True) as environment:
        if lack := unmet_need("wasm", "wasm32", environment.toolchain):
            pytest.skip(f"not run: {lack}")
        directory = hashlib.sha256(environment.tool_cache_key.encode()).hexdigest()[:16]
    archive = cache_directory(given) / "tools" / directory / f"wasm-bindgen+wasm-bindgen-test-runner-{VERSION}.tar"
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w") as tar:
        member = tarfile.TarInfo("wasm-bindgen")
        member.size, member.mode = len(BINDS), 0o755
        tar.addfile(member, io.BytesIO(BINDS.encode()))
    archive.with_suffix(".sha256").write_text(hashlib.sha256(archive.read_bytes()).hexdigest())
    return given


@pytest.mark.attack("a build script that replaces wasm-bindgen leaves no script in its package", entry="H2")
def test_a_module_is_bound_by_the_program_of_the_tool_cache(
    repository: MakeRepository, environment: Mapping[str, str]
) -> None:
    top = repository([entry("shade", kind="wasm", tests=False)], FILES, platforms=["wasm32"])
    ran = cratematrix("build", "--all", cwd=top, env=environment)
    log = (top / "dist/logs/shade.log").read_text()
    assert (ran.code, "replaced=false" in log, "replaced=true" in log) == (0, True, False), ran.err
    with tarfile.open(top / "dist/demo-shade-1.0.0.tgz") as tar:
        names = tar.getnames()
        declared = json.load(tar.extractfile("package/package.json"))  # type: ignore[arg-type]
        module = tar.extractfile("package/shade.cjs").read()  # type: ignore[union-attr]
    assert "scripts" not in declared
    assert "package/binding.gyp" not in names
    assert names.count("package/package.json") == 1
    assert b"the stand-in" in module
