"""The paths of package.json: those that are refused are those that Node does not find."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from generator.errors import Unbuildable
from generator.packages.entries import check_entries, without_targets
from tests.packages.conftest import node
from tests.support import write_files

FILES = (
    "index.js",
    "lib/index.js",
    "lib/a.js",
    "lib/b.json",
    "lib/a/a.js",
    "types/index.d.ts",
    "types/a.d.ts",
    "style.css",
)

# What package.json declares, what is asked for, and whether it is there.
ENTRIES: list[tuple[dict[str, Any], str, bool]] = [
    ({"main": "index.js"}, "x", True),
    ({"main": "./"}, "x", True),
    ({"main": "."}, "x", True),
    ({"main": "lib"}, "x", True),
    ({"main": "./lib/"}, "x", True),
    ({"main": "./lib/a"}, "x", True),
    ({"main": "lib/b"}, "x", True),
    ({"exports": "./lib/a.js"}, "x", True),
    ({"exports": "./lib/a"}, "x", False),
    ({"exports": "lib/a.js"}, "x", False),
    ({"exports": "./lib"}, "x", False),
    ({"exports": {".": {"import": "./lost.mjs", "require": "./lib/a.js"}, "./b": "./lib/b.json"}}, "x", False),
    ({"exports": {"source": "./src/lost.ts", "default": "./lib/a.js"}}, "x", True),
    ({"exports": {".": ["./lib/a.js"]}}, "x", True),
    ({"exports": {"./*": "./lib/*.js", ".": "./index.js", "./hidden/*": None}}, "x/a", True),
    ({"exports": {".": "./index.js", "./c/*": "./lost/*.js"}}, "x/c/a", False),
    ({"exports": {".": "./index.js", "./package.json": "./package.json"}}, "x", True),
    ({"exports": {".": "./index.js", "./*": "./lib/*/*.js"}}, "x/a", True),
    ({"exports": {".": "./index.js", "./*": "./lib/*/*/*.js"}}, "x/a", False),
    ({"imports": {"#a": "./lib/a.js", "#fs": {"node": "fs", "default": "./lib/a.js"}}}, "x", True),
]


@pytest.mark.parametrize(("declared", "asked", "there"), ENTRIES, ids=[json.dumps(each[0]) for each in ENTRIES])
def test_what_node_finds_is_accepted_and_what_it_does_not_is_refused(
    tmp_path: Path, declared: dict[str, Any], asked: str, there: bool
) -> None:
    write_files(tmp_path / "node_modules/x", dict.fromkeys(FILES, "0") | {"package.json": json.dumps(declared)})
    imports = f"import({asked!r}).catch((error) => {{ console.error(error); process.exit(1) }})"
    ran = node("node", "--eval", f"require({asked!r}); {imports if 'exports' in declared else ''}", cwd=tmp_path)
    assert (ran.returncode == 0) == there, ran.stderr
    if there:
        check_entries(declared, FILES)
        return
    with pytest.raises(Unbuildable, match=r"^package\.json names .* in its exports, "):
        check_entries(declared, FILES)


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"main": "lost"}, "lost as its main"),
        ({"module": "lib/lost.mjs"}, "lib/lost.mjs as its module"),
        ({"browser": "lost.js"}, "lost.js as its browser"),
        ({"browser": {"./lib/a.js": "./lost.js", "fs": False}}, "./lost.js in its browser"),
        ({"types": "lib"}, "lib as its types"),
        ({"typings": "./lost.d.ts"}, "./lost.d.ts as its typings"),
        ({"typesVersions": {">=4.2": {"*": ["lost/*"]}}}, "lost/* in its typesVersions"),
        (
            {"exports": {".": {"types": "./types/lost.d.ts", "default": "./index.js"}}},
            "./types/lost.d.ts in its exports",
        ),
        ({"exports": {".": {"types@>=5": "./lost.d.ts", "default": "./index.js"}}}, "./lost.d.ts in its exports"),
        ({"imports": {"#a": {"node": "./lost.js", "default": "fs"}}}, "./lost.js in its imports"),
        ({"man": ["./lost.1"]}, "./lost.1 as its man"),
        ({"style": "lost.css"}, "lost.css as its style"),
    ],
)
def test_a_path_that_another_tool_follows_is_checked_as_well(declared: dict[str, Any], said: str) -> None:
    with pytest.raises(Unbuildable) as caught:
        check_entries(declared, FILES)
    assert str(caught.value) == f"package.json names {said}, but the build did not create it"


def test_paths_that_typescript_and_bundlers_find_are_accepted() -> None:
    check_entries(
        {
            "types": "types", "typings": "./types/a", "module": "lib/a", "style": "style.css",
            "typesVersions": {">=4.2": {"*": ["types/*"]}},
            "browser": {"fs": False, "x": "y", "./index.js": "./lib/a"},
            "exports": {".": {"types": "./types/index.d.ts", "default": "./index.js"}, "./lib/": "./lib/"},
        },
        FILES,
    )  # fmt: skip


@pytest.mark.parametrize("strange", [7, None, [], {}, [[7]], {"a": 7}, True], ids=repr)
def test_values_that_are_no_path_are_left_to_npm(strange: object) -> None:
    for key in ("browser", "exports", "imports", "types", "typesVersions", "man"):
        check_entries({"main": "index.js", key: strange}, FILES)


@pytest.mark.attack("a package.json that nests deeply is read all the same")
def test_deep_nesting_is_read_all_the_same() -> None:
    deep: Any = "./lost.js"
    for _ in range(50_000):
        deep = {"node": deep}
    with pytest.raises(Unbuildable, match="lost"):
        check_entries({"exports": deep}, FILES)
    assert without_targets(deep, {"lost.js"}) == deep


def test_a_target_that_is_gone_takes_its_empty_objects_along() -> None:
    exports = {".": {"browser": "./browser.js", "default": "./index.js"}, "./b": ["./browser.js"], "./no": None}
    assert without_targets(exports, {"browser.js"}) == {".": {"default": "./index.js"}, "./no": None}
    assert without_targets("browser.js", {"browser.js"}) is None
