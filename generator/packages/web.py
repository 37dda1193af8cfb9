"""The package of a wasm-bindgen crate: conditional exports choose the module for Node, bundlers and browsers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from generator.errors import Unbuildable
from generator.packages.files import check_staged, list_staged
from generator.packages.identity import ENGINES, Identity
from generator.packages.tarball import NpmPackage, PackedFile, package_json

# Suffixes of the files that wasm-bindgen writes for the crate's module; `snippets` holds the crate's own JavaScript.
_SUFFIXES: Final = (
    r"(\.js|\.d\.ts|\.cjs|\.d\.cts|_bg\.js|_bg\.wasm|_bg\.wasm\.d\.ts|_web\.js|_web\.d\.ts|_browser\.js"
    r"|_(nodejs|web)_bg\.wasm)"
)
# `require` of an ES module: https://nodejs.org/api/modules.html#loading-ecmascript-modules-using-require
_REQUIRES_MODULES: Final = {"node": "^20.19.0 || >= 22.12.0"}
# wasm-bindgen's own limit for a module is 4 GiB; its JavaScript is far smaller than this.
_MAX_SCRIPT: Final = 16 * 1024 * 1024
# A package's name in quotes, with or without a path in the package. The second quote may begin another name.
_QUOTED_NAME: Final = re.compile(r"""['"`]((?:@[^'"`/\n]+/)?[^'"`/\n]+)(?=(?:/[^'"`\n]*)?['"`])""")


def web_package(identity: Identity, module: str, staged: Path, dependencies: Mapping[str, str]) -> NpmPackage:
    """Return the package of wasm-bindgen's files; raise Unbuildable when one is missing or unexpected.

    `dependencies` are the npm packages that the crate's package.json names, with their versions; the package gets those
    that its JavaScript imports. `node` is the first condition, because bundlers for Node also set `module`.
    """
    files = list_staged(staged)
    paths = {file.path for file in files}
    required = (f"{module}.cjs", f"{module}.d.cts", f"{module}.js", f"{module}.d.ts", f"{module}_bg.wasm")
    for path in (*required, f"{module}_web.js", f"{module}_web.d.ts", f"{module}_browser.js"):
        if path not in paths:
            raise Unbuildable(f"wasm-bindgen did not write the source of {path}")
    _check_written_dependencies(files, dependencies)
    files = tuple(file for file in files if file.path != "package.json")
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
        "files": sorted(file.path for file in files),
        "sideEffects": [f"./{module}.cjs", f"./{module}.js", f"./{module}_browser.js", "./snippets/**"],
        "engines": _engines(files, module, dependencies),
    }
    if imported := _imported(files, dependencies):
        declared["dependencies"] = imported
    return NpmPackage(identity.name, (package_json(declared), *files))


def _engines(files: Iterable[PackedFile], module: str, dependencies: Mapping[str, str]) -> dict[str, str]:
    """Return the versions of Node that load the package.

    Its entry for Node requires snippets, which are ES modules, and npm packages, which may be.
    """
    entry = next(file for file in files if file.path == f"{module}.cjs")
    requires = re.search(r"""require\([^)]*\./snippets/""", _text(entry)) or _imported((entry,), dependencies)
    return _REQUIRES_MODULES if requires else ENGINES


def _check_written_dependencies(files: Iterable[PackedFile], dependencies: Mapping[str, str]) -> None:
    """Raise Unbuildable when a dependency of the crate imports npm packages that the crate itself does not name.

    wasm-bindgen then writes a package.json with all that the dependency names; ours takes its place.
    """
    written = next((file for file in files if file.path == "package.json"), None)
    if written is None:
        return
    try:
        named: Any = json.loads(_text(written)).get("dependencies", {})
        lost = [name for name in _imported(files, named) if name not in dependencies]
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise Unbuildable("the package.json that wasm-bindgen wrote is not valid JSON") from None
    if lost:
        raise Unbuildable(
            f"a dependency of the crate imports the npm package {str(lost[0])[:214]}: "
            "name it in `dependencies` of a package.json beside the crate's Cargo.toml"
        )


def _imported(files: Iterable[PackedFile], dependencies: Mapping[str, str]) -> dict[str, str]:
    """Return the dependencies that some JavaScript of the package names as a module, or as the start of its path."""
    scripts = (file for file in files if file.path.endswith((".js", ".cjs", ".mjs"))) if dependencies else ()
    quoted = {name for file in scripts for name in _QUOTED_NAME.findall(_text(file))}
    return {name: version for name, version in sorted(dependencies.items()) if name in quoted}


def _text(file: PackedFile) -> str:
    with file.open() as stream:
        return stream.read(_MAX_SCRIPT).decode(errors="replace")
