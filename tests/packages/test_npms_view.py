"""npm's own code finds nothing to run in a package, for any package.json and any file names."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from generator.errors import Unbuildable
from generator.packages.forbidden import check_files
from tests.packages.bare import packed
from tests.packages.conftest import HERE
from tests.support import unpack, write_files

EVENTS = ("preinstall", "install", "postinstall", "prepare")
View = Callable[[Path], dict[str, Any]]


@pytest.fixture(scope="module")
def npm_view() -> Iterator[View]:
    """Ask npm's own code about a package directory."""
    modules = Path(shutil.which("npm") or "/").resolve().parent.parent / "node_modules"
    if not (modules / "@npmcli/package-json").is_dir():
        pytest.skip(f"not run: npm's own modules are not in {modules}")
    words = ["node", str(HERE / "npm_view.cjs"), str(modules)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout

        def view(directory: Path) -> dict[str, Any]:
            print(directory, file=process.stdin, flush=True)
            return dict(json.loads(process.stdout.readline()))  # type: ignore[union-attr]

        yield view
        process.stdin.close()


def test_npms_own_code_finds_what_it_would_run(npm_view: View, tmp_path: Path) -> None:
    declared = {"name": "x", "version": "1.0.0", "bin": {"../a": "x.js"}, "directories": {"bin": "."}}
    write_files(tmp_path, {"package.json": json.dumps(declared), "binding.gyp": "{}"})
    expected = {"scripts": ["install", "node-gyp"], "bundled": [], "commands": {"a": "x.js"}, "linked": {"a": "x.js"}}
    assert npm_view(tmp_path) == expected
    write_files(tmp_path, {"package.json": json.dumps({**declared, "gypfile": False, "bin": None})})
    assert npm_view(tmp_path)["scripts"] == []


TEXT = st.sampled_from(
    [
        "cli.js",
        "./cli.js",
        "../x",
        "/cli.js",
        "C:\\x",
        "a/b",
        "a\\b",
        "a:b",
        "node",
        "words",
        "con",
        ".",
        "..",
        "",
        "__proto__",
    ]
) | st.text(max_size=6)
SCRIPTS = st.sampled_from((*EVENTS, "start", "__proto__", "constructor", "Install", "install ", "test"))
JSON = st.recursive(
    st.none() | st.booleans() | TEXT,
    lambda some: st.lists(some, max_size=2) | st.dictionaries(TEXT | SCRIPTS, some, max_size=2),
)
KEYS = {
    "scripts": st.dictionaries(SCRIPTS, TEXT | JSON, max_size=4) | JSON,
    "bin": st.dictionaries(TEXT, TEXT | JSON, max_size=3) | st.lists(TEXT, max_size=2) | JSON,
    "directories": st.fixed_dictionaries({}, optional={"bin": TEXT, "man": TEXT}) | JSON,
    "gypfile": JSON,
    "bundleDependencies": st.sampled_from((None, False, [], {}, "", True, ["words"])),
    "bundledDependencies": st.sampled_from((None, False, [], ["words"])),
    "dependencies": st.dictionaries(TEXT, TEXT, max_size=2) | JSON,
    "__proto__": st.dictionaries(
        st.sampled_from(("scripts", "bin")), st.dictionaries(SCRIPTS, TEXT, max_size=2), max_size=2
    ),
    "_hasShrinkwrap": JSON,
    "man": JSON,
}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(more=st.fixed_dictionaries({}, optional=KEYS))
@example(more={"bin": {"C:\\x": "cli.js"}})
@example(more={"bin": {"../../x": "cli.js"}})
@example(more={"scripts": {"install": "x"}, "gypfile": True})
@pytest.mark.attack("npm's own code finds nothing to run in a package, whatever its crate says", entry="H2")
def test_npm_sees_no_script_and_no_other_command_in_what_is_packed(
    npm_view: View, tmp_path_factory: pytest.TempPathFactory, more: dict[str, Any]
) -> None:
    top = tmp_path_factory.mktemp("view")
    try:
        archive = packed(top, {"binding.gyp": ""}, **more)
    except Unbuildable:
        return
    unpack(archive, top)
    if "refused" in (seen := npm_view(top / "package")):
        return
    assert (seen["scripts"], seen["bundled"]) == ([], [])
    assert seen["commands"] == seen["linked"]
    match json.loads((top / "package/package.json").read_text()).get("bin"):
        case str(path) if path:
            assert seen["commands"].keys() == {"words"}
        case dict(commands):
            assert seen["commands"].keys() == commands.keys()
    assert all((top / "package" / target).is_file() for target in seen["commands"].values())


PARTS = st.sampled_from(
    [
        "binding.gyp",
        "Binding.GYP",
        "x.gyp",
        ".gyp",
        "gyp",
        "Server.js",
        "node_modules",
        "package.json",
        "dist",
        "a",
        "A",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(paths=st.sets(st.lists(PARTS, min_size=1, max_size=2).map("/".join), max_size=4))
@pytest.mark.attack("npm's own code finds nothing to run in a package, whatever its crate says", entry="H2")
def test_npm_runs_nothing_for_the_names_of_files_that_are_allowed(
    npm_view: View, tmp_path_factory: pytest.TempPathFactory, paths: set[str]
) -> None:
    """The files lie as a file system that ignores case holds them: npm looks for names in small letters."""
    listed = sorted({"package.json", *paths})
    try:
        check_files(listed)
    except Unbuildable:
        return
    top = write_files(tmp_path_factory.mktemp("names"), {path.lower(): "{}" for path in listed})
    (top / "package.json").write_text('{"name": "x", "version": "1.0.0"}')
    assert npm_view(top)["scripts"] == []
