"""The list of code that decides what packages hold, against the tree and its imports."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

from generator.planning.own_code import PACKAGE_CODE, own_code, package_code
from tests.support import TOP

# Imported by code that makes packages, and why a change of each shows in the canaries as well as in any other crate.
SHARED: Final = {
    "generator/dependencies/files.py": "names of files that are read, and never packed",
    "generator/errors.py": "errors",
    "generator/files/digest.py": "the digest of a file",
    "generator/files/portable_names.py": "refuses names",
    "generator/git.py": "how git is called",
    "generator/manifest/crate_files.py": "the manifest, whose values are compared for each crate",
    "generator/manifest/crate_models.py": "the manifest, whose values are compared for each crate",
    "generator/manifest/models.py": "the manifest, whose values are compared for each crate",
    "generator/manifest/settings.py": "the manifest, whose values are compared for each crate",
    "generator/manifest/source_models.py": "the manifest, whose values are compared for each crate",
    "generator/manifest/values.py": "the manifest, whose values are compared for each crate",
    "generator/network/endpoints.py": "names of hosts, which decide what may be fetched",
    "generator/network/registries.py": "the machine's registries, whose packages have the digests of the lock file",
    "generator/processes.py": "how programs are started",
    "generator/strict.py": "a base class",
    "generator/text.py": "messages",
    "generator/versions.py": "reads e2b/versions.json, which is on the list",
}


def imports(file: Path) -> set[Path]:
    """Return the modules of this package that a module imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("generator."):
            place = TOP / str(node.module).replace(".", "/")
            found |= {place / f"{each.name}.py" for each in node.names} | {place.with_suffix(".py")}
    return {each for each in found if each.is_file()}


def test_every_path_of_the_list_exists() -> None:
    assert [
        path for path in PACKAGE_CODE if not (TOP / path).exists() or (TOP / path).is_dir() != path.endswith("/")
    ] == []


def test_the_list_holds_all_that_code_for_packages_imports() -> None:
    waiting = [file for name in ("packages", "recipes", "sbom") for file in (TOP / "generator" / name).glob("*.py")]
    seen: set[Path] = set()
    while waiting:
        if (file := waiting.pop()) not in seen:
            seen.add(file)
            waiting += [] if file.relative_to(TOP).as_posix() in SHARED else imports(file)
    names = {file.relative_to(TOP).as_posix() for file in seen}
    assert sorted(names - {*package_code(names)} - SHARED.keys()) == []
    assert sorted(SHARED.keys() - names) == [], "these are imported no more: take them off the list"


def test_code_that_decides_packages_is_code_of_the_tool() -> None:
    files = [
        path.relative_to(TOP).as_posix() for each in PACKAGE_CODE for path in (TOP / each, *(TOP / each).rglob("*"))
    ]
    inside = [name for name in files if (TOP / name).is_file()]
    assert package_code(inside) == own_code(inside) == sorted(inside)
