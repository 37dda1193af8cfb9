"""`cratematrix build` in a repository of a test, its report, and the files of a small addon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support import Ran, cratematrix, library

ADDON = 'echo "int napi_register_module_v1(void) { return 0; }" | cc -shared -x c - -o demo.linux-x64-gnu.node'


def build(top: Path, *words: str, **env: str) -> Ran:
    return cratematrix("build", *words, cwd=top, env=env)


def report(top: Path, name: str = "report.json") -> dict[str, dict[str, Any]]:
    return {crate["name"]: crate for crate in json.loads((top / "dist" / name).read_text())["crates"]}


def addon(main: str, loader: str, **scripts: str) -> dict[str, str]:
    package = {
        "name": "@demo/demo", "version": "1.0.0", "main": main, "napi": {"binaryName": "demo"},
        "scripts": {"postinstall": "touch /build/ran-postinstall", **scripts},
    }  # fmt: skip
    return library("demo") | {"demo/package.json": json.dumps(package), "demo/index.js": loader}
