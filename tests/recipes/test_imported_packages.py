"""The npm packages that a wasm crate imports: those of its package.json that some source names, and no others."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from generator.recipes.imported_packages import REGISTRY_VERSIONS
from generator.scripts import script
from tests.support import HANGS, write_files


def named(
    top: Path, dependencies: dict[str, str], sources: dict[str, str], crates: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the script in a crate; it writes into `needed`. `crates` are directories, each with the crate's dependency."""
    write_files(
        top, {"package.json": "\ufeff" + json.dumps({"private": True, "dependencies": dependencies}), **sources}
    )
    packages = [
        {"manifest_path": str(top / directory / "Cargo.toml"), "dependencies": [{"name": name}]}
        for directory, name in {".": "wasm-bindgen", **(crates or {})}.items()
    ]
    words = ["node", "-e", script("imported-packages.js"), str(top / "needed"), REGISTRY_VERSIONS]
    metadata = json.dumps({"packages": packages})
    return subprocess.run(  # noqa: TID251
        words, cwd=top, input=metadata, capture_output=True, text=True, check=False, timeout=HANGS
    )


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("src/lib.rs", '#[wasm_bindgen(module = "uuid")]'),
        ("src/deep/er.rs", '#[wasm_bindgen(raw_module = "uuid/v4")]'),
        ("js/own.mjs", "import { v4 } from 'uuid';"),
        ("js/own.cjs", "const { v4 } = require(`uuid`);"),
    ],
)
def test_a_package_that_a_source_names_is_needed_and_a_demos_is_not(tmp_path: Path, file: str, text: str) -> None:
    others = {"webpack": "^5", "demo": "file:pkg", "uui": "1"}
    ran = named(tmp_path, {"uuid": "^9.0.0", **others}, {file: text, "node_modules/x/index.js": "require('webpack')"})
    assert (ran.returncode, ran.stdout) == (0, "1\n"), ran.stderr
    assert json.loads((tmp_path / "needed/package.json").read_text()) == {
        "private": True,
        "dependencies": {"uuid": "^9.0.0"},
    }


@pytest.mark.parametrize("file", ["src/lib.rs", "js/own.js"])
def test_a_package_that_a_dependency_imports_is_needed(tmp_path: Path, file: str) -> None:
    top = tmp_path / "crate"
    others = {"../webpack/src/lib.rs": '"webpack"', "../unused/src/lib.rs": '"demo"'}
    sources = {f"../binding/{file}": "'uuid/v4'", **others}
    dependencies = {"uuid": "^9.0.0", "webpack": "^5", "demo": "file:pkg"}
    ran = named(top, dependencies, sources, {"../binding": "wasm-bindgen", "../webpack": "other"})
    assert (ran.returncode, ran.stdout) == (0, "1\n"), ran.stderr
    assert json.loads((top / "needed/package.json").read_text())["dependencies"] == {"uuid": "^9.0.0"}


@pytest.mark.parametrize(
    "version", ["1.2.3", ">=1 <2 || ~3.0", "latest", "*", "npm:uuid@^9", "npm:@scope/uuid@1.x", ""]
)
def test_versions_of_a_registry_are_taken(tmp_path: Path, version: str) -> None:
    assert named(tmp_path, {"uuid": version}, {"src/lib.rs": '"uuid"'}).returncode == 0


@pytest.mark.parametrize(
    "version",
    [
        "file:../x",
        "https://host/x.tgz",
        "git+https://host/x",
        "user/repo",
        "../x",
        "workspace:*",
        "npm:x@https://host/y",
    ],
)
def test_other_versions_are_refused_before_anything_is_fetched(tmp_path: Path, version: str) -> None:
    ran = named(tmp_path, {"uuid": version}, {"src/lib.rs": '"uuid"'})
    sentence = "error: uuid in dependencies of package.json: name a version that a registry has\n"
    assert (ran.returncode, ran.stderr) == (1, sentence)
    assert not (tmp_path / "needed").exists()


def test_a_package_json_without_dependencies_needs_nothing(tmp_path: Path) -> None:
    assert named(tmp_path, {}, {"src/lib.rs": '"uuid"'}).stdout == "0\n"
