"""The package of a wasm-bindgen crate holds the files of wasm-bindgen and no others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from generator.errors import Unbuildable
from generator.packages.identity import Identity
from generator.packages.tarball import write_tarball
from generator.packages.web import web_package
from tests.installing import install
from tests.packages.conftest import package_json
from tests.support import write_files

IDENTITY = Identity("@demo/shade", "1.2.3", license="MIT")
# By wasm-bindgen 0.2.100 and later, for bundlers, Node and browsers.
ENDS = (
    ".js", ".d.ts", ".cjs", ".d.cts", "_bg.js", "_bg.wasm", "_bg.wasm.d.ts", "_web.js", "_web.d.ts", "_browser.js",
)  # fmt: skip
MADE = {
    **{f"shade{end}": "" for end in ENDS},
    "snippets/shade-1f0c/inline0.js": "",
    "snippets/shade-1f0c/js/own.mjs": "",
    "README.md": "",
    "LICENSE-MIT": "",
    "sbom.cdx.json": "{}",
}


def pack(top: Path, *more: str) -> Path:
    write_files(top / "staged", {**MADE, **dict.fromkeys(more, "")})
    write_tarball(web_package(IDENTITY, "shade", top / "staged", {}).files, top / "shade.tgz")
    return top / "shade.tgz"


def test_all_that_wasm_bindgen_makes_is_packed_and_installed_without_a_script(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    install(tmp_path / "app", "--offline", pack(tmp_path))
    installed = tmp_path / "app/node_modules/@demo/shade"
    assert {path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()} == {
        *MADE,
        "package.json",
    }


@pytest.mark.parametrize(
    "stray", ["binding.gyp", "postinstall.js", "shade_other.js", "Shade.js", "node_modules/x/index.js", "lib/shade.js"]
)
@pytest.mark.attack("a wasm package holds only what wasm-bindgen makes, and our package.json", entry="H2")
def test_what_wasm_bindgen_does_not_make_is_refused(tmp_path: Path, stray: str) -> None:
    with pytest.raises(Unbuildable, match=rf"^wasm-bindgen does not create {stray}: no other build step may write to"):
        pack(tmp_path, stray)


@pytest.mark.attack("a wasm package holds only what wasm-bindgen makes, and our package.json", entry="H2")
@pytest.mark.parametrize("text", ["", "[]", '{"dependencies": 1}', "[" * 100_000])
def test_a_package_json_that_no_wasm_bindgen_writes_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Unbuildable, match=r"^the package\.json that wasm-bindgen wrote is not valid JSON$"):
        declared(tmp_path, {"package.json": text})


def declared(top: Path, files: dict[str, str], dependencies: dict[str, str] | None = None) -> dict[str, Any]:
    """Pack these files in place of empty ones, and return the package's package.json."""
    write_files(top / "staged", {**MADE, **files})
    package = web_package(IDENTITY, "shade", top / "staged", dependencies or {})
    assert [file.path for file in package.files].count("package.json") == 1
    write_tarball(package.files, top / "shade.tgz")
    return package_json(package)


@pytest.mark.parametrize(
    "text",
    [
        "import { v4 } from 'uuid';",
        'const import0 = require("uuid");',
        "const import0 = require(String.raw`uuid`);",
        "import v4 from 'uuid/v4';",
        "await import('uuid');",
    ],
)
@pytest.mark.parametrize("file", ["shade.js", "shade.cjs", "shade_bg.js", "snippets/shade-1f0c/inline0.js"])
def test_a_package_depends_on_what_its_javascript_imports_and_on_nothing_else(
    tmp_path: Path, file: str, text: str
) -> None:
    named = {"uuid": "^9.0.0", "webpack": "^5", "uu": "1"}
    assert declared(tmp_path, {file: text}, named)["dependencies"] == {"uuid": "^9.0.0"}
    assert "dependencies" not in declared(tmp_path, {file: "'uuid2' // uuid"}, named)


def test_what_a_dependency_imports_has_to_be_named_by_the_crate(tmp_path: Path) -> None:
    written = {"package.json": '{"dependencies": {"uuid": "^8"}}', "shade.js": "import 'uuid'"}
    with pytest.raises(
        Unbuildable, match=r"imports the npm package uuid: name it in `dependencies` of a package\.json"
    ):
        declared(tmp_path, written)
    assert declared(tmp_path, written, {"uuid": "^9.0.0"})["dependencies"] == {"uuid": "^9.0.0"}


def test_what_a_dependency_names_and_does_not_import_is_not_needed(tmp_path: Path) -> None:
    written = {"package.json": '{"dependencies": {"uuid": "^8", "webpack": "^5"}}', "shade.js": "import 'uuid'"}
    assert declared(tmp_path, written, {"uuid": "^9.0.0"})["dependencies"] == {"uuid": "^9.0.0"}


def test_scoped_packages_are_imported_too(tmp_path: Path) -> None:
    text = "import a from '@demo/a';import b from \"@demo/b/lib/b.js\";import c from 'c';"
    named = dict.fromkeys(("@demo/a", "@demo/b", "@demo/c", "@demo", "a", "b", "c", "lib"), "1")
    assert list(declared(tmp_path, {"shade.js": text}, named)["dependencies"]) == ["@demo/a", "@demo/b", "c"]


def test_engines_are_the_versions_that_load_the_package(tmp_path: Path) -> None:
    assert declared(tmp_path, {})["engines"] == {"node": ">= 20"}
    for call in (
        "require('./snippets/shade-1f0c/inline0.js')",
        "require(String.raw`./snippets/shade-1f0c/inline0.js`)",
    ):
        assert declared(tmp_path, {"shade.cjs": call})["engines"] == {"node": "^20.19.0 || >= 22.12.0"}


def test_a_required_npm_package_may_be_an_es_module(tmp_path: Path) -> None:
    named = {"nanoid": "^5.0.0"}
    for call in ('require("nanoid")', "require(String.raw`nanoid/non-secure`)"):
        assert declared(tmp_path, {"shade.cjs": call}, named)["engines"] == {"node": "^20.19.0 || >= 22.12.0"}
    only_imported = {"shade.cjs": "require(`util`)", "shade.js": "import 'nanoid'"}
    assert declared(tmp_path, only_imported, named)["engines"] == {"node": ">= 20"}


def test_snippets_are_files_like_any_other(tmp_path: Path) -> None:
    with pytest.raises(Unbuildable, match="may not be in a package: its settings may name programs"):
        pack(tmp_path, "snippets/shade-1f0c/.git/config")
