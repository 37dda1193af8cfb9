"""The package of a wasm-bindgen crate: one module for Node, bundlers and browsers, chosen by conditional exports."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from generator.errors import Unbuildable
from generator.packages.files import check_staged, list_staged
from generator.packages.identity import ENGINES, Identity
from generator.packages.tarball import NpmPackage, package_json

# What the names of the files end with that are made of the crate's module; `snippets` are the JavaScript of its own.
_WRITTEN: Final = r"(\.js|\.d\.ts|\.cjs|\.d\.cts|_bg\.js|_bg\.wasm|_bg\.wasm\.d\.ts|_web\.js|_web\.d\.ts|_browser\.js)"


def web_package(identity: Identity, module: str, staged: Path) -> NpmPackage:
    """Add package.json to what wasm-bindgen wrote; Unbuildable names a file that is missing, or that it never writes.

    `node` comes first among the conditions because bundlers that build for Node set `module` too.
    """
    files = list_staged(staged)
    paths = {file.path for file in files}
    promised = (f"{module}.cjs", f"{module}.d.cts", f"{module}.js", f"{module}.d.ts", f"{module}_bg.wasm")
    for path in (*promised, f"{module}_web.js", f"{module}_web.d.ts", f"{module}_browser.js"):
        if path not in paths:
            raise Unbuildable(f"wasm-bindgen did not write what {path} is made of")
    if "package.json" in paths:
        raise Unbuildable(
            "wasm-bindgen wrote a package.json, for the crate imports npm packages: kind wasm cannot install them"
        )
    check_staged(files, re.compile(rf"{re.escape(module)}{_WRITTEN}|snippets/.+"), "wasm-bindgen")
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
            f"./{module}_bg.wasm": f"./{module}_bg.wasm",
            "./package.json": "./package.json",
        },
        "files": sorted(paths),
        "sideEffects": [f"./{module}.cjs", f"./{module}.js", f"./{module}_browser.js", "./snippets/**"],
        "engines": ENGINES,
    }
    return NpmPackage(identity.name, (package_json(declared), *files))
