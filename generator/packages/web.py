"""The package of a wasm-bindgen crate: conditional exports choose the module for Node, bundlers and browsers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from generator.errors import Unbuildable
from generator.packages.files import check_staged, list_staged
from generator.packages.identity import ENGINES, Identity
from generator.packages.tarball import NpmPackage, package_json

# Suffixes of the files that wasm-bindgen writes for the crate's module; `snippets` holds the crate's own JavaScript.
_SUFFIXES: Final = (
    r"(\.js|\.d\.ts|\.cjs|\.d\.cts|_bg\.js|_bg\.wasm|_bg\.wasm\.d\.ts|_web\.js|_web\.d\.ts|_browser\.js"
    r"|_(nodejs|web)_bg\.wasm)"
)


def web_package(identity: Identity, module: str, staged: Path) -> NpmPackage:
    """Return the package of wasm-bindgen's files; raise Unbuildable when one is missing or unexpected.

    `node` is the first condition, because bundlers for Node also set `module`.
    """
    files = list_staged(staged)
    paths = {file.path for file in files}
    required = (f"{module}.cjs", f"{module}.d.cts", f"{module}.js", f"{module}.d.ts", f"{module}_bg.wasm")
    for path in (*required, f"{module}_web.js", f"{module}_web.d.ts", f"{module}_browser.js"):
        if path not in paths:
            raise Unbuildable(f"wasm-bindgen did not write the source of {path}")
    if "package.json" in paths:
        raise Unbuildable(
            "wasm-bindgen wrote a package.json, because the crate imports npm packages: kind wasm cannot install them"
        )
    check_staged(files, re.compile(rf"{re.escape(module)}{_SUFFIXES}|snippets/.+"), "wasm-bindgen")
    declared = identity.fields() | {
        "type": "module",
        "main": f"./{module}.cjs",
        "module": f"./{module}.js",
        "types": f"./{module}.d.ts",
        "exports": {
            ".": {
                "node": {"types": f"./{module}.d.cts", "default": f"./{module}.cjs"},
                "module": {"types": f"./{module}.d.ts", "default": f"./{module}.js"},
                "default": {"types": f"./{module}.d.ts", "default": f"./{module}_browser.js"},
            },
            "./web": {"types": f"./{module}_web.d.ts", "default": f"./{module}_web.js"},
            **{f"./{path}": f"./{path}" for path in sorted(paths) if re.fullmatch(r"\w+_bg\.wasm", path)},
            "./package.json": "./package.json",
        },
        "files": sorted(paths),
        "sideEffects": [f"./{module}.cjs", f"./{module}.js", f"./{module}_browser.js", "./snippets/**"],
        "engines": ENGINES,
    }
    return NpmPackage(identity.name, (package_json(declared), *files))
