"""The package of a wasm-bindgen crate holds the files of wasm-bindgen and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.errors import Unbuildable
from generator.packages.identity import Identity
from generator.packages.tarball import write_tarball
from generator.packages.web import web_package
from tests.installing import install
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
    write_tarball(web_package(IDENTITY, "shade", top / "staged").files, top / "shade.tgz")
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
def test_a_package_json_of_the_crates_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        Unbuildable, match=r"^wasm-bindgen wrote a package\.json, because the crate imports npm packages"
    ):
        pack(tmp_path, "package.json")


def test_snippets_are_files_like_any_other(tmp_path: Path) -> None:
    with pytest.raises(Unbuildable, match="may not be in a package: its settings may name programs"):
        pack(tmp_path, "snippets/shade-1f0c/.git/config")
