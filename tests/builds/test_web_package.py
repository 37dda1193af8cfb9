"""The wasm crate of the sample fleet: built, loaded by Node both ways, and resolved by a real bundler.

Needs Rust's standard library for wasm32, in the toolchain on PATH or in one that CROSS_TOOLCHAIN names.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from generator.errors import InputError
from generator.platforms import host_platform
from generator.toolchain.host import find_host_toolchain
from generator.toolchain.toolchain import unmet_need
from tests.conftest import MakeRepository
from tests.installing import install
from tests.support import cratematrix, cross_path

pytestmark = pytest.mark.slow

ESBUILD = "esbuild@0.28.2"
NPM = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]


@pytest.fixture(scope="module")
def environment() -> Mapping[str, str]:
    """Return the variables under which wasm32 can be built, or skip and say what is missing."""
    path = cross_path()
    try:
        toolchain = find_host_toolchain({**os.environ, "PATH": path}).toolchain(host_platform() or "linux-x64-gnu")
        lack = unmet_need("wasm", "wasm32", toolchain)
    except InputError as error:
        lack = error.message
    if lack:
        pytest.skip(f"not run: {lack}")
    return {"PATH": path}


@pytest.fixture(scope="module")
def package(environment: Mapping[str, str], fleet_copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the crate twice, from the same source, and return its package."""
    made = []
    for name in ("first", "second"):
        out = tmp_path_factory.mktemp(name)
        ran = cratematrix("build", "--crate", "fleet-wasm", "--out", out, cwd=fleet_copy, env=environment)
        assert ran.code == 0, ran.err
        (crate,) = json.loads((out / "report.json").read_text())["crates"]
        assert crate["units"][0]["artifacts"][0]["file"] == "fleet_wasm_bg.wasm"
        made.append(out / str(crate["package"]["file"]))
    assert made[0].read_bytes() == made[1].read_bytes()
    return made[0]


@pytest.fixture
def installed(package: Path, tmp_path: Path) -> Path:
    """Install the package into an empty folder, offline."""
    install(tmp_path, "--offline", package)
    return tmp_path


@pytest.mark.parametrize("load", ["Promise.resolve(require(%s))", "import(%s)"], ids=["require", "import"])
def test_node_loads_the_module(installed: Path, load: str) -> None:
    script = load % "'@fleet/fleet-wasm'" + ".then((it) => console.log(it.contrast('#000000', '#ffffff')))"
    done = subprocess.run(["node", "-e", script], cwd=installed, capture_output=True, text=True, check=True)  # noqa: TID251
    assert float(done.stdout) == pytest.approx(21)


@pytest.mark.parametrize(
    ("platform", "entry"), [("browser", "fleet_wasm.js"), ("node", "fleet_wasm.cjs")], ids=["browser", "node"]
)
def test_a_bundler_takes_the_variant_that_is_meant_for_it(
    installed: Path, tmp_path_factory: pytest.TempPathFactory, platform: str, entry: str
) -> None:
    bundler = tmp_path_factory.mktemp("esbuild")
    subprocess.run([*NPM, ESBUILD], cwd=bundler, check=True, capture_output=True)  # noqa: TID251
    (installed / "app.mjs").write_text(
        "import { contrast } from '@fleet/fleet-wasm';\nconsole.log(contrast('#000', '#fff'));\n"
    )
    words = [
        "--bundle",
        "app.mjs",
        f"--platform={platform}",
        "--loader:.wasm=file",
        "--outdir=out",
        "--metafile=meta.json",
    ]
    subprocess.run([bundler / "node_modules/.bin/esbuild", *words], cwd=installed, check=True, capture_output=True)  # noqa: TID251
    inputs = json.loads((installed / "meta.json").read_text())["inputs"]
    assert f"node_modules/@fleet/fleet-wasm/{entry}" in inputs
    assert len([name for name in inputs if name.endswith(("fleet_wasm.js", ".cjs", "_browser.js"))]) == 1


def test_everything_the_exports_name_is_there(installed: Path) -> None:
    folder = installed / "node_modules/@fleet/fleet-wasm"
    declared = json.loads((folder / "package.json").read_text())
    assert "scripts" not in declared

    def named(value: object) -> list[str]:
        return [value] if isinstance(value, str) else [name for each in dict(value).values() for name in named(each)]  # type: ignore[call-overload]

    assert all((folder / name).exists() for name in named(declared["exports"]))


IMPORTING = """use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "uuid")]
extern "C" {
    fn validate(text: &str) -> bool;
}

#[wasm_bindgen]
pub fn is_uuid(text: &str) -> bool {
    validate(text)
}
"""


def test_a_crate_imports_npm_packages_that_its_package_json_names(
    environment: Mapping[str, str], repository: MakeRepository, tmp_path: Path
) -> None:
    head = '[package]\nname = "one"\nversion = "1.0.0"\nedition = "2021"\n\n[workspace]\n\n[lib]\ncrate-type = ["cdylib"]\n'
    files = {
        "one/Cargo.toml": head + '[dependencies]\nwasm-bindgen = { version = "=0.2.130", default-features = false }\n',
        "one/src/lib.rs": IMPORTING,
        "one/package.json": json.dumps({"private": True, "dependencies": {"uuid": "9.0.1", "webpack": "file:lost"}}),
    }
    crate = {"name": "one", "version": "1.0.0", "kind": "wasm", "source": {"path": "one"}}
    top = repository([crate], files, platforms=["wasm32"])
    ran = cratematrix("build", "--all", cwd=top, env=environment)
    assert ran.code == 0, ran.err
    (tmp_path / "app").mkdir()
    install(tmp_path / "app", next((top / "dist").glob("*.tgz")))
    declared = json.loads((tmp_path / "app/node_modules/@demo/one/package.json").read_text())
    assert declared["dependencies"] == {"uuid": "9.0.1"}
    script = "console.log(require('@demo/one').is_uuid('6ec0bd7f-11c0-43da-975e-2a8ad9ebae0b'))"
    done = subprocess.run(["node", "-e", script], cwd=tmp_path / "app", capture_output=True, text=True, check=True)  # noqa: TID251
    assert done.stdout == "true\n"
