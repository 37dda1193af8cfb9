"""The kinds of crates: one small repository for every rule."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from generator.discovery import Discovery, discover, manifest_text
from generator.discovery.choices import Choices
from generator.discovery.kinds import SUPPORT_DIRECTORIES

Plant = Callable[[Mapping[str, str]], Path]

PACKAGE = '[package]\nname = "x"\nversion = "1.2.3"\n'
CDYLIB = PACKAGE + '[lib]\ncrate-type = ["cdylib"]\n'
ADDON = CDYLIB + '[dependencies]\nnapi = "3"\n'
NAPI = json.dumps({"name": "@scope/x", "version": "1.2.3", "napi": {"binaryName": "x"}})
WASM = CDYLIB + '[dependencies]\nwasm-bindgen = "0.2"\n'
ADDON_WHY = "it depends on napi, and package.json beside it has a `napi` key"

KINDS = {
    "library by its file": ({"Cargo.toml": PACKAGE, "src/lib.rs": ""}, "lib", "it has a library"),
    "library by its table": ({"Cargo.toml": PACKAGE + '[lib]\npath = "x.rs"\n', "x.rs": ""}, "lib", "it has a library"),
    "cdylib without a binding": ({"Cargo.toml": CDYLIB, "src/lib.rs": ""}, "lib", "it has a library"),
    "program by src/main.rs": ({"Cargo.toml": PACKAGE, "src/main.rs": ""}, "bin", "it has the program x"),
    "program beside a library": (
        {"Cargo.toml": PACKAGE, "src/main.rs": "", "src/lib.rs": ""},
        "bin",
        "it has the program x",
    ),
    "programs in src/bin": (
        {"Cargo.toml": PACKAGE, "src/bin/b.rs": "", "src/bin/a/main.rs": "", "src/bin/a/parts.rs": ""},
        "bin",
        "it has the programs a, b",
    ),
    "four programs": (
        {"Cargo.toml": PACKAGE} | {f"src/bin/{name}.rs": "" for name in "abcd"},
        "bin",
        "it has the programs a, b, c and 1 more",
    ),
    "program by its table": (
        {"Cargo.toml": PACKAGE + '[[bin]]\nname = "tool"\npath = "tool.rs"\n', "tool.rs": ""},
        "bin",
        "it has the program tool",
    ),
    "autobins off": (
        {"Cargo.toml": PACKAGE + "autobins = false\n", "src/bin/a.rs": "", "src/main.rs": "", "src/lib.rs": ""},
        "lib",
        "it has a library",
    ),
    "autobins off with a table": (
        {
            "Cargo.toml": PACKAGE + 'autobins = false\n[[bin]]\nname = "a"\n',
            "src/bin/a.rs": "",
            "src/bin/b.rs": "",
            "src/lib.rs": "",
        },
        "bin",
        "it has the program a",
    ),
    "program that needs a feature": (
        {
            "Cargo.toml": PACKAGE + '[[bin]]\nname = "x"\nrequired-features = ["cli"]\n[features]\ncli = []\n',
            "src/main.rs": "",
            "src/lib.rs": "",
        },
        "bin",
        "it has the program x, with the feature cli",
    ),
    "program that needs a default feature": (
        {
            "Cargo.toml": PACKAGE
            + '[[bin]]\nname = "x"\nrequired-features = ["cli"]\n'
            + '[features]\ndefault = ["all"]\nall = ["cli"]\ncli = []\n',
            "src/main.rs": "",
            "src/lib.rs": "",
        },
        "bin",
        "it has the program x",
    ),
    "program that needs an optional dependency of the same name": (
        {
            "Cargo.toml": PACKAGE
            + '[[bin]]\nname = "x"\nrequired-features = ["cli"]\n[dependencies]\ncli = { version = "1", optional = true }\n'
            + '[features]\ndefault = ["dep:cli"]\ncli = []\n',
            "src/main.rs": "",
            "src/lib.rs": "",
        },
        "bin",
        "it has the program x, with the feature cli",
    ),
    "wasm": ({"Cargo.toml": WASM, "src/lib.rs": ""}, "wasm", "it is a cdylib that depends on wasm-bindgen"),
    "wasm in the old spelling": (
        {"Cargo.toml": WASM.replace("crate-type", "crate_type"), "src/lib.rs": ""},
        "wasm",
        "it is a cdylib that depends on wasm-bindgen",
    ),
    "wasm on one platform, renamed": (
        {
            "Cargo.toml": CDYLIB
            + "[target.'cfg(target_arch = \"wasm32\")'.dependencies]\n"
            + 'bindgen = { package = "wasm-bindgen", version = "0.2" }\n',
            "src/lib.rs": "",
        },
        "wasm",
        "it is a cdylib that depends on wasm-bindgen",
    ),
    "wasm with a program": (
        {"Cargo.toml": WASM, "src/lib.rs": "", "src/main.rs": ""},
        "wasm",
        "it is a cdylib that depends on wasm-bindgen; it also has the program x",
    ),
    "wasm-bindgen that is off by default": (
        {"Cargo.toml": CDYLIB + '[dependencies]\nwasm-bindgen = { version = "0.2", optional = true }\n'},
        "wasm",
        "it is a cdylib that depends on wasm-bindgen by its feature wasm-bindgen",
    ),
    "wasm-bindgen that a default feature only adds to": (
        {
            "Cargo.toml": CDYLIB
            + '[dependencies]\nwasm-bindgen = { version = "0.2", optional = true }\n'
            + '[features]\ndefault = ["wasm-bindgen?/std"]\n'
        },
        "wasm",
        "it is a cdylib that depends on wasm-bindgen by its feature wasm-bindgen",
    ),
    "wasm-bindgen that a default feature switches on": (
        {
            "Cargo.toml": CDYLIB
            + '[dependencies]\nwasm-bindgen = { version = "0.2", optional = true }\n'
            + '[features]\ndefault = ["js"]\njs = ["dep:wasm-bindgen"]\n'
        },
        "wasm",
        "it is a cdylib that depends on wasm-bindgen",
    ),
    "wasm-bindgen by a feature of another name": (
        {
            "Cargo.toml": CDYLIB
            + '[dependencies]\nwasm-bindgen = { version = "0.2", optional = true }\n'
            + '[features]\nall = ["web", "more"]\nmore = []\nweb = ["dep:wasm-bindgen"]\n'
        },
        "wasm",
        "it is a cdylib that depends on wasm-bindgen by its feature web",
    ),
    "wasm-bindgen by a feature, and a program without": (
        {
            "Cargo.toml": CDYLIB + '[dependencies]\nwasm-bindgen = { version = "0.2", optional = true }\n',
            "src/lib.rs": "",
            "src/main.rs": "",
        },
        "bin",
        "it has the program x",
    ),
    "programs that need several features": (
        {
            "Cargo.toml": PACKAGE
            + '[[bin]]\nname = "a"\nrequired-features = ["b", "a", "on"]\n[[bin]]\nname = "c"\nrequired-features = ["c"]\n'
            + '[features]\ndefault = ["on"]\non = []\na = []\nb = []\nc = []\n',
            "src/bin/a.rs": "",
            "src/bin/c.rs": "",
        },
        "bin",
        "it has the programs a, c, with the features a, b, c",
    ),
    "a program with a feature beside one without": (
        {
            "Cargo.toml": PACKAGE.replace('"1.2.3"\n', '"1.2.3"\nedition = "2021"\n')
            + '[[bin]]\nname = "more"\nrequired-features = ["cli"]\n[features]\ncli = []\n',
            "src/main.rs": "",
            "src/bin/more.rs": "",
        },
        "bin",
        "it has the program x",
    ),
    "edition 2015 with a [[bin]] looks for no other program": (
        {
            "Cargo.toml": PACKAGE + '[[bin]]\nname = "named"\npath = "src/other.rs"\n',
            "src/main.rs": "",
            "src/bin/b.rs": "",
        },
        "bin",
        "it has the program named",
    ),
    "edition 2015 with autobins": (
        {
            "Cargo.toml": PACKAGE + 'autobins = true\n[[bin]]\nname = "named"\npath = "src/other.rs"\n',
            "src/main.rs": "",
        },
        "bin",
        "it has the programs named, x",
    ),
    "edition 2018 with a [[bin]]": (
        {
            "Cargo.toml": PACKAGE + 'edition = "2018"\n[[bin]]\nname = "named"\npath = "src/other.rs"\n',
            "src/main.rs": "",
        },
        "bin",
        "it has the programs named, x",
    ),
    "a later edition by its workspace": (
        {
            "Cargo.toml": PACKAGE
            + 'edition.workspace = true\n[workspace.package]\nedition = "2024"\n'
            + '[[bin]]\nname = "named"\npath = "src/other.rs"\n',
            "src/main.rs": "",
        },
        "bin",
        "it has the programs named, x",
    ),
    "build metadata of a version": (
        {"Cargo.toml": PACKAGE.replace("1.2.3", "1.2.3+4"), "src/lib.rs": ""},
        "lib",
        "it has a library",
    ),
    "build metadata of an addon's version": (
        {"Cargo.toml": ADDON, "package.json": NAPI.replace("1.2.3", "1.2.3+4")},
        "napi",
        ADDON_WHY,
    ),
    "a Python binding by a feature": (
        {"Cargo.toml": CDYLIB + '[dependencies]\npyo3 = { version = "0.2", optional = true }\n', "src/lib.rs": ""},
        "lib",
        "it has a library",
    ),
    "wasm-bindgen without a cdylib": (
        {"Cargo.toml": PACKAGE + '[dependencies]\nwasm-bindgen = "0.2"\n', "src/lib.rs": ""},
        "lib",
        "it has a library",
    ),
    "wasm-bindgen for tests only": (
        {"Cargo.toml": CDYLIB + '[dev-dependencies]\nwasm-bindgen = "0.2"\n', "src/lib.rs": ""},
        "lib",
        "it has a library",
    ),
    "addon": (
        {"Cargo.toml": ADDON, "package.json": NAPI, "src/lib.rs": ""},
        "napi",
        ADDON_WHY,
    ),
    "addon that is not published": (
        {"Cargo.toml": ADDON.replace("[lib]", "publish = false\n[lib]"), "package.json": NAPI},
        "napi",
        ADDON_WHY,
    ),
    "addon and program at once": (
        {"Cargo.toml": ADDON, "package.json": NAPI, "src/lib.rs": "", "src/main.rs": ""},
        "napi",
        ADDON_WHY + "; it also has the program x",
    ),
    "addon and wasm at once": (
        {"Cargo.toml": ADDON + 'wasm-bindgen = "0.2"\n', "package.json": NAPI},
        "napi",
        ADDON_WHY,
    ),
    "napi in a plain library": (
        {"Cargo.toml": PACKAGE + '[dependencies]\nnapi = "3"\n', "src/lib.rs": ""},
        "lib",
        "it has a library",
    ),
    "package.json without a napi key": (
        {"Cargo.toml": PACKAGE, "package.json": '{"name": "site"}', "src/main.rs": ""},
        "bin",
        "it has the program x",
    ),
}


@pytest.mark.parametrize(("files", "kind", "why"), KINDS.values(), ids=KINDS)
def test_a_crate_becomes_the_kind_that_its_files_say(plant: Plant, files: dict[str, str], kind: str, why: str) -> None:
    discovery = discover(plant(files))
    assert [(each.name, each.version, each.kind, each.path) for each in discovery.crates] == [("x", "1.2.3", kind, ".")]
    if why == "it has a library":
        why = "it has a library, but no program and no binding for Node or wasm"
    assert discovery.crates[0].reason == why
    assert discovery.skipped == ()


LIBRARY = {"src/lib.rs": ""}
SKIPPED = {
    "no target": ({"Cargo.toml": PACKAGE, "build.rs": ""}, "it has neither a library nor a program"),
    "autolib off": ({"Cargo.toml": PACKAGE + "autolib = false\n"} | LIBRARY, "it has neither a library nor a program"),
    "procedural macro": ({"Cargo.toml": PACKAGE + "[lib]\nproc-macro = true\n"} | LIBRARY, "a procedural macro"),
    "procedural macro by its type": (
        {"Cargo.toml": PACKAGE + '[lib]\ncrate-type = ["proc-macro"]\n'} | LIBRARY,
        "a procedural macro runs inside the compiler",
    ),
    "fuzz targets": (
        {"Cargo.toml": PACKAGE + "[package.metadata]\ncargo-fuzz = true\n", "src/main.rs": ""},
        "it holds fuzz targets",
    ),
    "xtask by name": ({"Cargo.toml": PACKAGE.replace('"x"', '"xtask"'), "src/main.rs": ""}, "an xtask crate automates"),
    "xtask of a part": (
        {"Cargo.toml": PACKAGE.replace('"x"', '"docs-xtask"'), "src/main.rs": ""},
        "an xtask crate automates",
    ),
    "addon without package.json": ({"Cargo.toml": ADDON} | LIBRARY, "no package.json with a `napi` key lies beside"),
    "addon whose package.json is no addon's": (
        {"Cargo.toml": ADDON, "package.json": "{}"} | LIBRARY,
        "no package.json with a `napi` key lies beside",
    ),
    "name": ({"Cargo.toml": PACKAGE.replace('"x"', '"é"')} | LIBRARY, "crates.json cannot hold its name 'é'"),
    "not published": (
        {"Cargo.toml": PACKAGE + "publish = false\n"} | LIBRARY,
        "cratematrix init --unpublished takes it",
    ),
    "neon": (
        {"Cargo.toml": CDYLIB + '[dependencies]\nneon = "1"\n'} | LIBRARY,
        "it depends on neon, so its library is an extension for Node by neon",
    ),
    "neon before its version 0.8": (
        {"Cargo.toml": CDYLIB.replace('"cdylib"', '"dylib"') + '[dependencies]\nneon = "0.1"\n'} | LIBRARY,
        "it depends on neon, so its library is an extension for Node by neon",
    ),
    "Python": (
        {"Cargo.toml": CDYLIB + '[dependencies]\npy = { package = "pyo3", version = "0.2" }\n'} | LIBRARY,
        "it depends on pyo3, so its library is an extension for Python",
    ),
    "control characters in the name": (
        {"Cargo.toml": PACKAGE.replace('"x"', r'"\u001b[2J"')} | LIBRARY,
        r"crates.json cannot hold its name '\x1b[2J'",
    ),
    "version from nowhere": (
        {"Cargo.toml": PACKAGE.replace('"1.2.3"', "{ workspace = true }")} | LIBRARY,
        "its version is inherited",
    ),
    "workspace that is not there": (
        {"Cargo.toml": PACKAGE + 'workspace = "../up"\n'} | LIBRARY,
        "it names a workspace outside of this directory",
    ),
    "workspace without a Cargo.toml": (
        {"Cargo.toml": PACKAGE + 'workspace = "up"\n'} | LIBRARY,
        "it belongs to the workspace up, which has no Cargo.toml with [workspace] that can be read",
    ),
    "version of an addon from nowhere": (
        {"Cargo.toml": ADDON.replace('"1.2.3"', "{ workspace = true }"), "package.json": NAPI} | LIBRARY,
        "its version is inherited",
    ),
    "depends on itself": (
        {"Cargo.toml": PACKAGE + '[dependencies]\nx = { path = "." }\n'} | LIBRARY,
        "it depends on itself",
    ),
}


@pytest.mark.parametrize(("files", "why"), SKIPPED.values(), ids=SKIPPED)
def test_a_crate_is_skipped_with_a_reason(plant: Plant, files: dict[str, str], why: str) -> None:
    discovery = discover(plant(files))
    assert discovery.crates == ()
    assert [each.path for each in discovery.skipped] == ["Cargo.toml"]
    assert why in discovery.skipped[0].reason


@pytest.mark.parametrize("directory", sorted(SUPPORT_DIRECTORIES))
def test_crates_that_serve_the_repository_are_skipped(plant: Plant, directory: str) -> None:
    discovery = discover(plant({f"{directory}/deep/Cargo.toml": PACKAGE, f"{directory}/deep/src/lib.rs": ""}))
    assert _skipped(discovery) == {
        f"{directory}/deep/Cargo.toml": f"crates below a directory named {directory} serve the repository itself"
    }


def test_package_json_files_that_serve_the_repository_are_not_read(plant: Plant) -> None:
    tests = {"tests/a/package.json": "{broken", "examples/b/package.json": json.dumps({"name": "@other/b", "napi": {}})}
    discovery = discover(plant({"Cargo.toml": PACKAGE, "src/lib.rs": ""} | tests))
    assert (discovery.skipped, discovery.npm_scope) == ((), "@your-scope")


def test_a_directory_that_only_begins_like_tests_is_none(plant: Plant) -> None:
    discovery = discover(plant({"tests-of-time/Cargo.toml": PACKAGE, "tests-of-time/src/lib.rs": ""}))
    assert [each.path for each in discovery.crates] == ["tests-of-time"]


ELSEWHERE: dict[str, tuple[str, str, str | None]] = {
    "below": ("native", ".", None),
    "above": (".", "js", None),
    "manifest path": ("native", "js/package", "napi build --platform --manifest-path ../../native/Cargo.toml"),
    "manifest path with =": ("native", "js", "tsc && npx napi build --manifest-path='../native/Cargo.toml' -o ."),
    "cwd": ("native", "js", "napi build --cwd ../native --package-json-path ../js/package.json"),
    "cargo-cwd of version 2": ("native", "js", "napi build --cargo-cwd ../native js"),
    "package": ("native", "js", "cross-env X=1 napi build --manifest-path ../Cargo.toml -p x"),
    "cargo-name of version 2": ("native", "js", "yarn napi build --cargo-name=x"),
    "cd": ("native", "js", "cd ../native;napi build"),
}


@pytest.mark.parametrize(("crate", "package", "script"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_an_addon_is_found_whose_package_json_is_elsewhere(
    plant: Plant, crate: str, package: str, script: str | None
) -> None:
    declared = {**json.loads(NAPI), "version": "4.0.0", "scripts": {"test": "echo napi", "build": script}}
    files = {f"{crate}/Cargo.toml": ADDON, f"{package}/package.json": json.dumps(declared)}
    if "." not in (crate, package):
        files["Cargo.toml"] = '[workspace]\nmembers = ["native"]\n'
    discovery = discover(plant(files))
    assert [(each.path, each.package, each.kind, each.version, each.npm_name) for each in discovery.crates] == [
        (crate, package, "napi", "4.0.0", "@scope/x")
    ]
    assert (discovery.skipped, discovery.notes) == ((), ())
    source = json.loads(manifest_text(discovery))["crates"][0]["source"]
    assert source == {"path": crate, "package": package}


def test_a_package_json_that_names_no_crate_of_the_repository_is_reported(plant: Plant) -> None:
    script = {"scripts": {"build": "napi build --manifest-path ../../outside/Cargo.toml && napi build 'open"}}
    package = json.dumps(json.loads(NAPI) | script)
    discovery = discover(plant({"a/native/Cargo.toml": ADDON, "b/c/package.json": package}))
    assert {path: reason.partition(",")[0] for path, reason in _skipped(discovery).items()} == {
        "a/native/Cargo.toml": "it is a cdylib that depends on napi",
        "b/c/package.json": "it has a `napi` key",
    }


TOPS: dict[str, str] = {
    "a workspace": '[workspace]\nmembers = ["crates/x"]\n',
    "a library": '[package]\nname = "y"\nversion = "1.2.3"\n[workspace]\nmembers = ["crates/x"]\n',
}


@pytest.mark.parametrize("top", TOPS.values(), ids=TOPS)
def test_a_package_json_beside_another_crate_is_that_of_the_addon_below(plant: Plant, top: str) -> None:
    package = json.dumps(json.loads(NAPI) | {"scripts": {"build": "node build.mjs"}})
    files = {"Cargo.toml": top, "src/lib.rs": "", "package.json": package, "crates/x/Cargo.toml": ADDON}
    discovery = discover(plant(files))
    addons = [each for each in discovery.crates if each.kind == "napi"]
    assert [(each.path, each.package, each.npm_name) for each in addons] == [("crates/x", ".", "@scope/x")]
    assert discovery.skipped == ()


def test_targets_that_cannot_be_built_are_said_of_the_package_json_that_has_them(plant: Plant) -> None:
    package = json.loads(NAPI) | {"napi": {"binaryName": "x", "targets": ["x86_64-unknown-freebsd"]}}
    discovery = discover(plant({"package.json": json.dumps(package), "crates/x/Cargo.toml": ADDON}))
    assert [note.partition(":")[0] for note in discovery.notes] == ["package.json"]


def test_the_nearest_package_json_above_an_addon_is_its_own(plant: Plant) -> None:
    other = NAPI.replace("@scope/x", "@scope/y")
    files = {"package.json": NAPI, "a/package.json": other, "a/b/x/Cargo.toml": ADDON}
    discovery = discover(plant(files))
    assert [(each.path, each.package, each.npm_name) for each in discovery.crates] == [("a/b/x", "a", "@scope/y")]
    assert [*_skipped(discovery)] == ["package.json"]


def test_a_package_json_whose_scripts_name_its_crate_is_no_others(plant: Plant) -> None:
    package = json.dumps(json.loads(NAPI) | {"scripts": {"build": "napi build --cwd deep/x"}})
    crates = {"deep/x/Cargo.toml": ADDON, "y/Cargo.toml": ADDON.replace('"x"', '"y"')}
    discovery = discover(plant({"package.json": package} | crates))
    assert [each.path for each in discovery.crates] == ["deep/x"]
    assert [*_skipped(discovery)] == ["y/Cargo.toml"]


def test_a_package_json_that_builds_an_addon_without_a_napi_key_is_named(plant: Plant) -> None:
    package = '{"scripts": {"build": "napi build --cargo-cwd x"}}'
    reason = _skipped(discover(plant({"package.json": package, "x/Cargo.toml": ADDON})))["x/Cargo.toml"]
    assert "a script of package.json builds it, but that file has no `napi` key: add" in reason


@pytest.mark.parametrize("scripts", [7, [], None, {"build": 7}, {"build": ["napi build"]}], ids=repr)
def test_scripts_that_are_none_are_passed_over(plant: Plant, scripts: object) -> None:
    package = json.dumps(json.loads(NAPI) | {"scripts": scripts})
    discovery = discover(plant({"Cargo.toml": ADDON, "package.json": package, "src/lib.rs": ""}))
    assert [each.kind for each in discovery.crates] == ["napi"]


@pytest.mark.parametrize("package", ["js/package.json", "package.json"])
def test_a_napi_key_without_a_crate_is_reported(plant: Plant, package: str) -> None:
    discovery = discover(plant({package: NAPI, "Cargo.toml": CDYLIB, "src/lib.rs": ""}))
    reason = "it has a `napi` key, but no crate that depends on napi lies beside, above or below it, or in its scripts"
    assert [each.kind for each in discovery.crates] == ["lib"]
    assert _skipped(discovery) == {package: reason}


def test_a_path_that_crates_json_cannot_hold_is_reported(plant: Plant) -> None:
    discovery = discover(plant({"my (crate)/Cargo.toml": PACKAGE, "my (crate)/src/lib.rs": ""}))
    assert "crates.json cannot hold its path" in _skipped(discovery)["my (crate)/Cargo.toml"]


def test_spaces_in_directories_and_names_that_begin_with_a_line_are_found(plant: Plant) -> None:
    package = PACKAGE.replace('"x"', '"_x"')
    discovery = discover(plant({"my crate/a b/Cargo.toml": package, "my crate/a b/src/lib.rs": ""}))
    assert [(each.name, each.path) for each in discovery.crates] == [("_x", "my crate/a b")]


def test_a_version_that_is_not_given_is_cargos_own(plant: Plant) -> None:
    discovery = discover(plant({"Cargo.toml": '[package]\nname = "x"\n', "src/lib.rs": ""}))
    assert [each.version for each in discovery.crates] == ["0.0.0"]


def test_of_equal_names_the_one_nearest_to_the_top_stays(plant: Plant) -> None:
    upper = PACKAGE.replace('"x"', '"X"')
    files = {f"{directory}/src/lib.rs": "" for directory in ("z", "a/b", "c/d")}
    discovery = discover(plant(files | {"z/Cargo.toml": upper, "a/b/Cargo.toml": PACKAGE, "c/d/Cargo.toml": PACKAGE}))
    assert [each.path for each in discovery.crates] == ["z"]
    assert _skipped(discovery) == dict.fromkeys(
        ("a/b/Cargo.toml", "c/d/Cargo.toml"), "its name x is already used by z/Cargo.toml"
    )


def test_of_equal_npm_names_the_first_stays(plant: Plant) -> None:
    discovery = discover(
        plant(
            {
                "a/Cargo.toml": ADDON,
                "a/package.json": NAPI,
                "b/Cargo.toml": ADDON.replace('"x"', '"y"'),
                "b/package.json": NAPI,
            }
        )
    )
    assert [each.name for each in discovery.crates] == ["x"]
    assert _skipped(discovery) == {"b/Cargo.toml": "its name @scope/x is already used by a/Cargo.toml"}


def test_an_addon_that_would_not_build_is_found_with_a_note(plant: Plant) -> None:
    package = json.dumps({"name": "X", "napi": {}})
    discovery = discover(plant({"Cargo.toml": ADDON, "package.json": package}))
    assert [(each.kind, each.version, each.npm_name) for each in discovery.crates] == [("napi", "1.2.3", None)]
    assert discovery.notes[1:] == (
        "package.json has no version: set it to 1.2.3, as in crates.json, or the build fails",
        "package.json has the name X: set it to the npm name in crates.json, or the build fails",
    )


def test_an_unscoped_name_is_one(plant: Plant) -> None:
    package = json.dumps({"name": "native", "version": "1.2.3", "napi": {}})
    discovery = discover(plant({"Cargo.toml": ADDON, "package.json": package}))
    assert [each.npm_name for each in discovery.crates] == ["native"]
    assert len(discovery.notes) == 1  # of the scope
    assert json.loads(manifest_text(discovery, Choices(scope="@t")))["crates"][0]["npm_name"] == "native"


def test_crates_that_cargo_does_not_publish_are_found_when_asked_for_and_addons_always(plant: Plant) -> None:
    shared = '[workspace]\nmembers = ["*"]\n[workspace.package]\npublish = false\n'
    says = {
        "a": "publish = false",
        "b": "publish = []",
        "c": "publish.workspace = true",
        "d": "",
        "e": 'publish = ["x"]',
    }
    members = {f"{name}/Cargo.toml": PACKAGE.replace('"x"', f'"{name}"') + f"{line}\n" for name, line in says.items()}
    addon = {"n/Cargo.toml": ADDON.replace("[lib]", "publish = false\n[lib]"), "n/package.json": NAPI}
    programs = {f"{name}/src/main.rs": "" for name in says}
    top = plant({"Cargo.toml": shared, **members, **programs, **addon})
    discovery = discover(top)
    assert {each.name for each in discovery.crates} == {"d", "e", "x"}
    assert _skipped(discovery).keys() == {f"{name}/Cargo.toml" for name in "abc"}
    assert {each.name for each in discover(top, unpublished=True).crates} == {*says, "x"}


TARGETS = {
    "version 3": (
        {"targets": ["x86_64-apple-darwin", "wasm32-wasip1-threads", "armv7-linux-androideabi", 5]},
        ("darwin-x64", "wasm32"),
        ["package.json: cratematrix cannot build these napi.targets: armv7-linux-androideabi"],
    ),
    "version 2": (
        {"triples": {"defaults": False, "additional": ["x86_64-unknown-linux-musl"]}},
        ("linux-x64-musl",),
        [],
    ),
    "version 2 with its defaults": ({"triples": {}}, ("linux-x64-gnu", "darwin-x64", "win32-x64-msvc"), []),
    "none that can be built": (
        {"targets": ["x86_64-unknown-freebsd"]},
        None,
        [
            "package.json: cratematrix cannot build these napi.targets: x86_64-unknown-freebsd, so all platforms are taken"
        ],
    ),
    "no list": ({"targets": "all"}, None, []),
    "nothing": ({}, None, []),
}


@pytest.mark.parametrize(("napi", "platforms", "notes"), TARGETS.values(), ids=TARGETS)
def test_an_addon_has_the_platforms_of_its_targets(
    plant: Plant, napi: dict[str, object], platforms: tuple[str, ...] | None, notes: list[str]
) -> None:
    package = json.dumps({"name": "@scope/x", "version": "1.2.3", "napi": napi})
    discovery = discover(plant({"Cargo.toml": ADDON, "package.json": package}))
    assert discovery.crates[0].platforms == platforms
    assert [*discovery.notes] == notes


def test_addons_with_the_same_targets_share_a_note(plant: Plant) -> None:
    members = {f"{name}/Cargo.toml": ADDON.replace('"x"', f'"{name}"') for name in "abc"}
    targets = {"a": ["x86_64-unknown-freebsd"], "b": ["i686-pc-windows-msvc"], "c": ["x86_64-unknown-freebsd"]}
    packages = {
        f"{name}/package.json": json.dumps({"name": f"@scope/{name}", "version": "1.2.3", "napi": {"targets": each}})
        for name, each in targets.items()
    }
    notes = "\n".join(discover(plant(members | packages)).notes)
    assert re.findall("(.*): cratematrix cannot build these napi.targets: ([^,]*)", notes) == [
        ("a/package.json, c/package.json", "x86_64-unknown-freebsd"),
        ("b/package.json", "i686-pc-windows-msvc"),
    ]


MANAGERS = {
    "nothing": ({}, {}, "npm, without a lock file"),
    "npm": ({"a/package-lock.json": "{}"}, {}, "npm, with a/package-lock.json"),
    "yarn of the workspace": (
        {"yarn.lock": ""},
        {"packageManager": "yarn@4.9.1+sha224." + "aa" * 28},
        "yarn 4.9.1, with yarn.lock",
    ),
    "pnpm without packageManager": ({"pnpm-lock.yaml": ""}, {}, "pnpm 10.34.8, with pnpm-lock.yaml"),
    "packageManager of a workspace without a lock": (
        {},
        {"packageManager": "pnpm@9.0.0", "workspaces": ["a"]},
        "pnpm 9.0.0, without a lock file",
    ),
    "the nearest": ({"yarn.lock": "", "a/pnpm-lock.yaml": ""}, {}, "pnpm 10.34.8, with a/pnpm-lock.yaml"),
    "two locks": (
        {"a/package-lock.json": "{}", "a/yarn.lock": ""},
        {},
        "npm, with a/package-lock.json",
    ),
    "a long lock": ({"a/yarn.lock": "#" * 2**20 + "\n__metadata:\n  version: 8\n"}, {}, "yarn 4.9.4, with a/yarn.lock"),
    "settings of a manager alone": ({"a/pnpm-workspace.yaml": "packages: []"}, {}, "pnpm 10.34.8, without a lock file"),
    "bun, which cratematrix does not start": (
        {"a/bun.lock": ""},
        {"packageManager": "bun@1.2.0"},
        "npm, without a lock file",
    ),
    "no name of a manager": ({}, {"packageManager": {"name": "npm"}}, "npm, without a lock file"),
}


@pytest.mark.parametrize(("files", "top", "said"), MANAGERS.values(), ids=MANAGERS)
def test_the_manager_and_the_lock_of_an_addon_are_said(
    plant: Plant, files: dict[str, str], top: dict[str, object], said: str
) -> None:
    addon = {"a/Cargo.toml": ADDON, "a/package.json": NAPI, "package.json": json.dumps({"name": "top", **top})}
    assert discover(plant(addon | files)).managers == (f"npm packages by {said}: x",)


def test_a_version_of_a_manager_that_is_too_old_is_said(plant: Plant) -> None:
    package = json.dumps({**json.loads(NAPI), "packageManager": "pnpm@7.0.0"})
    (said,) = discover(plant({"a/Cargo.toml": ADDON, "a/package.json": package})).managers
    assert (
        said
        == 'no npm packages can be installed, because a/package.json names "pnpm@7.0.0": pnpm 8 or newer is needed: x'
    )


def test_the_manager_is_that_of_a_package_json_elsewhere(plant: Plant) -> None:
    files = {"rust/Cargo.toml": ADDON, "rust/package-lock.json": "{}", "package.json": NAPI, "yarn.lock": ""}
    assert discover(plant(files)).managers == ("npm packages by yarn 1.22.22, with yarn.lock: x",)


@pytest.mark.parametrize("cargos", ["0.0.0", "1.2.3", "3.0.0+no-version-of-npm"])
def test_the_version_of_an_addon_is_that_of_its_package_json(plant: Plant, cargos: str) -> None:
    package = json.dumps({"name": "@scope/x", "version": "2.0.0-rc.1", "napi": {}})
    discovery = discover(plant({"Cargo.toml": ADDON.replace("1.2.3", cargos), "package.json": package}))
    assert [(each.kind, each.version) for each in discovery.crates] == [("napi", "2.0.0-rc.1")]
    assert discovery.notes == ()


def test_name_and_version_of_a_program_are_cargos_whatever_lies_beside(plant: Plant) -> None:
    package = json.dumps({"name": "@scope/x", "version": "2.0.0"})
    discovery = discover(plant({"Cargo.toml": PACKAGE, "src/main.rs": "", "package.json": package}))
    assert [(each.kind, each.version, each.npm_name) for each in discovery.crates] == [("bin", "1.2.3", None)]


def _skipped(discovery: Discovery) -> dict[str, str]:
    return {each.path: each.reason for each in discovery.skipped}
