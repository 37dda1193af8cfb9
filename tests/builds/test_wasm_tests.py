"""Tests of crates as WebAssembly, in Node.js.

They need a toolchain for foreign platforms: the one that CROSS_TOOLCHAIN names.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.builds.foreign import built, equipped, trials
from tests.conftest import MakeRepository
from tests.installing import install
from tests.support import cratematrix, entry, library

# Threads of Rust's own, which end and are waited for, besides those of Node's pool.
SPREAD = """
#[napi]
pub fn spread(threads: u32) -> u32 {
    let all: Vec<_> = (0..threads).map(|each| std::thread::spawn(move || each)).collect();
    all.into_iter().map(|each| each.join().unwrap()).sum()
}
"""
WASM_TEST = """#![cfg(target_arch = "wasm32")]
use wasm_bindgen_test::*;
BROWSER
#[wasm_bindgen_test]
fn counts() { assert_eq!(one::one(), 1); }
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("browser", "expected"),
    [
        ("", ("passed", "Node", None)),
        ("wasm_bindgen_test_configure!(run_in_browser);", ("not_run", None, "its tests for wasm want a browser")),
    ],
)
def test_tests_for_wasm_run_in_node(
    repository: MakeRepository, mac_path: str, browser: str, expected: tuple[str, str | None, str | None]
) -> None:
    head = '[lib]\ncrate-type = ["cdylib", "rlib"]\n[dependencies]\n'
    head += 'wasm-bindgen = { version = "=0.2.130", default-features = false }\n'
    head += '[target.\'cfg(target_arch = "wasm32")\'.dev-dependencies]\nwasm-bindgen-test = "=0.3.80"\n'
    head += "[profile.release]\nopt-level = 0\n"
    files = library("one", "use wasm_bindgen::prelude::*;\n#[wasm_bindgen]\npub fn one() -> u32 { 1 }\n", head)
    del files["one/Cargo.lock"]
    files["one/tests/wasm.rs"] = WASM_TEST.replace("BROWSER", browser)
    ran, crate = built(repository([entry("one", kind="wasm", platforms=["wasm32"])], files), mac_path)
    assert ran.code == 0, ran.err
    assert crate["tests"] == ("none" if browser else "passed")  # on the host there is no test
    assert trials(crate) == {"wasm32": expected}


@pytest.mark.slow
def test_an_addon_runs_as_webassembly_on_threads_of_its_own(fleet_copy: Path, tmp_path: Path) -> None:
    path, top = equipped("napi", "wasm32"), tmp_path / "repo"
    shutil.copytree(fleet_copy, top, ignore=shutil.ignore_patterns("dist"))
    with (top / "packages/text/src/lib.rs").open("a") as code:
        code.write(SPREAD)
    manifest = json.loads((top / "crates.json").read_text())
    next(crate for crate in manifest["crates"] if crate["name"] == "fleet-text").pop("platforms")
    (top / "crates.json").write_text(json.dumps(manifest))
    ran = cratematrix("build", "--crate", "fleet-text", "--out", tmp_path / "out", cwd=top, env={"PATH": path})
    assert ran.code == 0, ran.err
    (crate,) = json.loads((tmp_path / "out/report.json").read_text())["crates"]
    assert [(unit["state"], unit["audit"][0]["findings"]) for unit in crate["units"]] == [("built", []), ("built", [])]
    assert crate["loaded"].endswith(" and its fleet-text.wasi.cjs")
    script = "const it = require('@fleet/fleet-text'); console.log(it.spread(4)); it.countWords(Buffer.from('a b c')).then(console.log)"
    install(tmp_path, "--prefix", tmp_path, tmp_path / "out" / crate["package"]["file"])
    # With this word napi's loader fails rather than take the addon of this machine.
    env = {**os.environ, "NAPI_RS_FORCE_WASI": "error"}
    done = subprocess.run(["node", "-e", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)  # noqa: TID251
    assert done.stdout == "6\n3\n", done.stderr
